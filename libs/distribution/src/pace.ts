import { CHUNK_SIZE } from '@openward/contracts';

// How fast a node fetches, as pure sums. The figures behind them were measured on a link of 20 Mbit/s: a window
// far beyond what the link holds only fills the hospital's line, where everything else then waits.

// In chunks: two at least, and else 2 MiB, or 4 MiB where nothing is between node and server and the site set no budget.
export const LEAST_WINDOW = 2;
export const MOST_WINDOW = 16;
export const LOCAL_WINDOW = 32;
const LOCAL_ROUND_TRIP_MS = 2;
const LEAST_TIMEOUT_MS = 10_000;
const UNPACED_TIMEOUT_MS = 30_000;
const FIRST_BACK_OFF_MS = 250;
const LONGEST_BACK_OFF_MS = 30_000;

export interface Measured {
  /** Bytes a second; undefined for no budget. */
  readonly rate: number | undefined;
  readonly roundTripMs: number;
}

/** Requests in flight: what the link holds, in chunks, within bounds. */
export function windowFor({ rate, roundTripMs }: Measured): number {
  if (rate === undefined) return roundTripMs < LOCAL_ROUND_TRIP_MS ? LOCAL_WINDOW : MOST_WINDOW;
  const held = Math.ceil((rate * roundTripMs) / 1000 / CHUNK_SIZE);
  return Math.min(MOST_WINDOW, Math.max(LEAST_WINDOW, held));
}

/** Three times what a full window takes at this rate, and never short. */
export function timeoutFor({ rate, roundTripMs }: Measured): number {
  if (rate === undefined || rate <= 0) return UNPACED_TIMEOUT_MS;
  const full = (windowFor({ rate, roundTripMs }) * CHUNK_SIZE * 1000) / rate;
  return Math.max(LEAST_TIMEOUT_MS, Math.ceil(3 * full) + roundTripMs);
}

/** Doubles from a quarter of a second to half a minute; `chance`, in [0, 1), takes up to half of it away. */
export function backOffFor(failures: number, chance: number): number {
  const full = Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** Math.min(failures - 1, 20));
  return Math.round(full * (1 - chance / 2));
}

/** A token bucket that holds one chunk: when `bytes` may be asked for, and from when the next may. */
export function nextTurn(
  freeFrom: number,
  now: number,
  bytes: number,
  rate: number,
): { start: number; freeFrom: number } {
  const start = Math.max(now, freeFrom);
  return { start, freeFrom: start + (bytes * 1000) / rate };
}
