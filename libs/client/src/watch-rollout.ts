import { setTimeout as pause } from 'node:timers/promises';
import type { RolloutId, RolloutView } from '@openward/contracts';
import type { Client, ClientPorts } from './client.ts';
import { Unreachable } from './errors.ts';
import { hasEnded } from './views.ts';

export interface WatchRollout {
  readonly signal?: AbortSignal;
  /** Read again after as long without an event, since waits and soaks move with time. */
  readonly pollMs?: number;
  /** How long the control plane may be out of reach before the watch gives up. */
  readonly patienceMs?: number;
  /** Told once when the control plane is out of reach, and with null when it is back. */
  readonly onLost?: (error: Unreachable | null) => void;
}

/** Yields the rollout as it is, then again at each change. Events only wake it: what they say is read from the resource. */
export async function* watchRollout(
  client: Pick<Client, 'rollouts' | 'watchEvents'>,
  id: RolloutId,
  { monotonic }: Pick<ClientPorts, 'monotonic'>,
  { signal, pollMs = 5000, patienceMs = 120_000, onLost }: WatchRollout = {},
): AsyncGenerator<RolloutView> {
  const stop = new AbortController();
  const ended = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const bell = createBell();
  const listening = listen(client, id, ended, bell.ring);
  let last = '';
  let lostSince: number | null = null;
  try {
    while (!ended.aborted) {
      bell.reset();
      try {
        const view = await client.rollouts.get(id);
        if (lostSince !== null) onLost?.(null);
        lostSince = null;
        const now = JSON.stringify(view);
        if (now !== last) yield view;
        last = now;
        if (hasEnded(view)) return;
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        if (lostSince === null) onLost?.(error);
        lostSince ??= monotonic();
        if (monotonic() - lostSince > patienceMs) throw error;
      }
      await bell.rungWithin(lostSince === null ? pollMs : Math.min(pollMs, 500), ended);
    }
  } finally {
    stop.abort();
    await listening;
  }
}

const RECONNECT_MS = 500;

/** Rings at each event and at each new connection. An older control plane without events leaves the watch to its polling. */
async function listen(
  client: Pick<Client, 'watchEvents'>,
  rollout: RolloutId,
  signal: AbortSignal,
  ring: () => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const _event of client.watchEvents({ rollout, signal, onOpen: ring })) ring();
    } catch (error) {
      if (!(error instanceof Unreachable)) return;
    }
    await pause(RECONNECT_MS, undefined, { signal }).catch(() => undefined);
  }
}

function createBell() {
  let rung = Promise.withResolvers<void>();
  return {
    ring: () => rung.resolve(),
    reset: () => {
      rung = Promise.withResolvers<void>();
    },
    async rungWithin(ms: number, signal: AbortSignal): Promise<void> {
      const timer = new AbortController();
      const timeUp = pause(ms, undefined, { signal: AbortSignal.any([signal, timer.signal]) }).catch(() => undefined);
      await Promise.race([rung.promise, timeUp]);
      timer.abort();
    },
  };
}
