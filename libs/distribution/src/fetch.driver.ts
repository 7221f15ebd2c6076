import { type Digest, digestOfBytes, type Name, Refusal } from '@openward/contracts';
import { backOffFor, nextTurn, timeoutFor, windowFor } from './pace.ts';
import type { Link, TransferPorts, TransferState } from './ports.ts';

// One artifact's requests: paced, timed, verified. What goes wrong is a value, since what to do about it depends on what else
// is under way.

export interface Wanted {
  readonly digest: Digest;
  /** Undefined for a piece whose length only its digest vouches for. */
  readonly size: number | undefined;
}

export type Fetched =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'missing' | 'damaged' | 'failed' };

/** A digest whose bytes came wrong this often is given up. */
export const MOST_DAMAGED = 5;
/** What a piece of unknown length is taken to weigh before it is there. */
const GUESSED_BYTES = 32 * 1024;
const PAUSED_MS = 1000;
const FIRST_ROUND_TRIP_MS = 100;
/** Of `RefillRequest`. */
export const MOST_ASKED = 64;
const LONGEST_REFILL_WAIT_MS = 60_000;

export interface Fetcher {
  /** One request, when its turn has come. Rejects only when the signal aborts. */
  fetch(wanted: Wanted): Promise<Fetched>;
  /** As `fetch`, until the bytes are there. Refuses `digestMismatch` after `MOST_DAMAGED` wrong answers. */
  fetchSurely(wanted: Wanted): Promise<Uint8Array>;
  /** Bytes of `fetch` that are read no more. */
  giveBack(bytes: Uint8Array): void;
  /** Asks the network to fill in, and waits as it says. */
  askRefill(digests: readonly Digest[]): Promise<void>;
  /** Waits longer each time, until `fetch` has succeeded again. */
  backOff(): Promise<void>;
  window(): number;
  /** Failures since the last success. */
  readonly failures: number;
  readonly fetchedBytes: number;
}

export interface FetcherOptions {
  readonly family: Name;
  readonly manifest: Digest;
  readonly link: Link;
  readonly signal: AbortSignal | undefined;
  readonly tell: (state: TransferState) => void;
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export function createFetcher(ports: TransferPorts, options: FetcherOptions): Fetcher {
  const { clock, timers, random, source, refill } = ports;
  const { family, manifest, link, signal, tell } = options;
  const damaged = new Map<Digest, number>();
  let measuredMs: number | undefined;
  let freeFrom = 0;
  let failures = 0;
  let backOffs = 0;
  let unanswered = 0;
  let lastFailure = '';
  let fetchedBytes = 0;

  const digestOf = async (bytes: Uint8Array): Promise<Digest> => ports.digest?.(bytes) ?? digestOfBytes(bytes);
  const chance = (): number => random.bytes(1)[0]! / 256;
  const measured = () => ({
    rate: link.bytesPerSecond(),
    roundTripMs: link.roundTripMs() ?? measuredMs ?? FIRST_ROUND_TRIP_MS,
  });

  /** Waits for this request's turn, and gives the time that it took of the budget. */
  async function takeTurn(bytes: number): Promise<number> {
    let rate = link.bytesPerSecond();
    while (rate !== undefined && rate <= 0) {
      await timers.sleep(PAUSED_MS, signal);
      rate = link.bytesPerSecond();
    }
    if (rate === undefined) return 0;
    const now = clock.monotonic();
    const turn = nextTurn(freeFrom, now, bytes, rate);
    const cost = turn.freeFrom - turn.start;
    freeFrom = turn.freeFrom;
    if (turn.start > now) await timers.sleep(turn.start - now, signal);
    return cost;
  }

  async function judge({ digest, size }: Wanted, bytes: Uint8Array): Promise<Fetched> {
    fetchedBytes += bytes.length;
    const hasSize = size === undefined || bytes.length === size;
    if (hasSize && (await digestOf(bytes)) === digest) return { kind: 'bytes', bytes };
    const times = (damaged.get(digest) ?? 0) + 1;
    damaged.set(digest, times);
    if (times < MOST_DAMAGED) return { kind: 'damaged' };
    throw new Refusal('digestMismatch', `${digest} came with other bytes ${times} times.`, { details: { digest } });
  }

  async function fetch(wanted: Wanted): Promise<Fetched> {
    signal?.throwIfAborted();
    const cost = await takeTurn(wanted.size ?? GUESSED_BYTES);
    const started = clock.monotonic();
    let answer: Uint8Array | 'missing';
    try {
      answer = await source.get(family, wanted.digest, { timeoutMs: timeoutFor(measured()), signal });
    } catch (error) {
      signal?.throwIfAborted();
      lastFailure = reasonOf(error);
      failures += 1;
      return { kind: 'failed' };
    }
    measuredMs = Math.min(measuredMs ?? Number.POSITIVE_INFINITY, clock.monotonic() - started);
    failures = 0;
    backOffs = 0;
    if (answer !== 'missing') return judge(wanted, answer);
    freeFrom -= cost;
    return { kind: 'missing' };
  }

  async function askRefill(digests: readonly Digest[]): Promise<void> {
    const asked = digests.slice(0, MOST_ASKED);
    let waitMs: number;
    let why: string | null = null;
    try {
      waitMs = (await refill.ask(family, manifest, asked, signal)).retryAfterMs;
      unanswered = 0;
    } catch (error) {
      signal?.throwIfAborted();
      why = reasonOf(error);
      unanswered += 1;
      waitMs = backOffFor(unanswered, chance());
    }
    const bounded = Math.min(LONGEST_REFILL_WAIT_MS, Math.max(100, waitMs));
    tell({ kind: 'chunksMissing', missing: digests.length, waitMs: bounded, why });
    await timers.sleep(bounded, signal);
  }

  async function backOff(): Promise<void> {
    backOffs += 1;
    const waitMs = backOffFor(backOffs, chance());
    tell({ kind: 'retrying', failures, waitMs, why: lastFailure });
    await timers.sleep(waitMs, signal);
  }

  async function fetchSurely(wanted: Wanted): Promise<Uint8Array> {
    for (;;) {
      const fetched = await fetch(wanted);
      switch (fetched.kind) {
        case 'bytes':
          return fetched.bytes;
        case 'failed':
          await backOff();
          break;
        case 'missing':
        case 'damaged':
          await askRefill([wanted.digest]);
          break;
      }
      tell({ kind: 'fetching' });
    }
  }

  return {
    fetch,
    fetchSurely,
    giveBack: (bytes) => source.giveBack?.(bytes),
    askRefill,
    backOff,
    window: () => windowFor(measured()),
    get failures() {
      return failures;
    },
    get fetchedBytes() {
      return fetchedBytes;
    },
  };
}
