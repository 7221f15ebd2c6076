import { KEY_SETS_PATH, KeySetsReply, type KeySet, type Log, type Timers } from '@openward/contracts';
import { followKeySets } from '@openward/trust';
import type { Enrolment } from '../node/identity.ts';
import { getPinned } from './pinned-https.ts';

/** A forged frame must not make this node ask for ever as fast as it can. */
const FIRST_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 600_000;

export interface KeySets {
  /** Those that may sign now. */
  keys(): readonly string[];
  /**
   * Something was signed by a key that is not pinned: asks the network for the sets after ours until one of them is newer, and
   * resolves when it has been kept. One question at a time, whoever waits. Rejects when `signal` ends.
   */
  newer(signal: AbortSignal): Promise<void>;
}

export function createKeySets(options: {
  readonly enrolment: () => Enrolment;
  /** Durably. */
  readonly keep: (set: KeySet) => void;
  readonly fetchSets: () => Promise<readonly string[]>;
  readonly timers: Timers;
  readonly log: Log;
}): KeySets {
  const { enrolment, keep, fetchSets, timers, log } = options;
  let asking: Promise<void> | null = null;
  const ask = async (signal: AbortSignal): Promise<void> => {
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      try {
        const pinned = enrolment().keySet;
        const reached = followKeySets(pinned, await fetchSets());
        if (reached.serial > pinned.serial) {
          keep(reached);
          log.info('keys.followed', { from: pinned.serial, to: reached.serial });
          return;
        }
        log.warn('keys.notNewer', { serial: pinned.serial, retryMs: wait });
      } catch (error) {
        log.warn('keys.notFetched', { error: String(error), retryMs: wait });
      }
      await timers.sleep(wait, signal);
    }
  };
  return {
    keys: () => enrolment().keySet.keys,
    newer(signal) {
      if (signal.aborted) return Promise.reject(signal.reason as Error);
      asking ??= ask(signal).finally(() => (asking = null));
      return asking;
    },
  };
}

/** A GET without a body, a frame of the closed list (P1): `count` is told of each. */
export async function fetchKeySets(
  { url, ca }: Enrolment,
  wall: number,
  count: () => void,
): Promise<readonly string[]> {
  count();
  const { status, body } = await getPinned(url, KEY_SETS_PATH, ca, wall);
  if (status !== 200) throw new Error(`the control plane answered ${status}`);
  return KeySetsReply.parse(JSON.parse(body.toString('utf8'))).sets;
}
