import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Clock, Ids, Log, Random, Timers } from '@openward/contracts';
import { asLog } from '@openward/observability';
import type { Logger } from 'pino';

export interface RealPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly ids: Ids;
  readonly log: Log;
}

/** The longest that a timer of Node can wait. */
const LONGEST_MS = 2 ** 31 - 1;

/** The ports of every driver, on this machine's clock and randomness. */
export const realPorts = (logger: Logger): RealPorts => ({
  clock: { monotonic: () => performance.now(), wall: () => Date.now() },
  timers: {
    sleep: async (ms, signal) => {
      await pause(Math.min(Math.max(ms, 0), LONGEST_MS), undefined, {
        ref: true,
        ...(signal === undefined ? {} : { signal }),
      });
    },
  },
  random: { bytes: (length) => randomBytes(length) },
  ids: { uuid: () => randomUUID(), nonce: () => randomBytes(16).toString('base64url') },
  log: asLog(logger),
});
