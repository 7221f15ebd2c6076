import type { KeySet } from '@openward/contracts';
import { generateSigningKey, sealKeySet } from '@openward/trust';
import { expect, test } from 'vitest';
import type { Enrolment } from '../node/identity.ts';
import { createKeySets } from './key-sets.ts';

const [old, next] = [generateSigningKey(), generateSigningKey()];
const first: KeySet = { v: 1, serial: 1, keys: [old.publicKey] };
const second: KeySet = { v: 1, serial: 2, keys: [next.publicKey] };

/** A node that pins the first set, and a control plane that answers as told, one answer a question, the last for ever. */
function node(...answers: (() => readonly string[])[]) {
  let enrolment = { keySet: first } as Enrolment;
  const seen = { asked: 0, slept: [] as number[] };
  const keySets = createKeySets({
    enrolment: () => enrolment,
    keep: (keySet) => (enrolment = { ...enrolment, keySet }),
    fetchSets: async () => answers[Math.min(seen.asked++, answers.length - 1)]?.() ?? [],
    timers: {
      sleep: async (ms, signal) => {
        signal?.throwIfAborted();
        seen.slept.push(ms);
      },
    },
    log: { info: () => {}, warn: () => {}, error: () => {} },
  });
  return { keySets, seen };
}

const signal = new AbortController().signal;

test('K1 goes on to a set that a member of the pinned one signed, and trusts the old key no longer', async () => {
  const { keySets } = node(() => [sealKeySet(second, old)]);
  await keySets.newer(signal);
  expect(keySets.keys()).toEqual([next.publicKey]);
});

test('K1 asks ever more seldom until there is a newer set, whoever waits', async () => {
  const { keySets, seen } = node(
    () => [],
    () => {
      throw new Error('no line');
    },
    () => [sealKeySet(second, next)],
    () => [sealKeySet(second, old)],
  );
  await Promise.all([keySets.newer(signal), keySets.newer(signal)]);
  expect(seen).toEqual({ asked: 4, slept: [5_000, 10_000, 20_000] });
  expect(keySets.keys()).toEqual([next.publicKey]);
});

test('K1 ends with its session, and keeps what was pinned', async () => {
  const ending = new AbortController();
  const { keySets } = node(() => {
    ending.abort(new Error('the session ended'));
    return [];
  });
  await expect(keySets.newer(ending.signal)).rejects.toThrow('the session ended');
  expect(keySets.keys()).toEqual([old.publicKey]);
});
