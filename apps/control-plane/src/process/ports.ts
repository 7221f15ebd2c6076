import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Clock, Ids, Random, Timers } from '@openward/contracts';

// The ports of the drivers, as a process on a real machine gives them.

export const clock: Clock = { monotonic: () => performance.now(), wall: () => Date.now() };

export const timers: Timers = {
  sleep: async (ms, signal) => {
    await pause(ms, undefined, signal === undefined ? {} : { signal });
  },
};

export const random: Random = { bytes: (length) => randomBytes(length) };

export const ids: Ids = { uuid: () => randomUUID(), nonce: () => randomBytes(16).toString('base64url') };

const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567';

/** `length` characters of 5 random bits each: for names that people read and that go into subjects. */
export const randomName = (length: number): string =>
  Array.from(randomBytes(length), (byte) => LETTERS[byte & 31]).join('');
