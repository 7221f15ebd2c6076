import type { KeySet } from '@openward/contracts';
import { expect, test } from 'vitest';
import { followKeySets, sealKeySet } from './key-set.ts';
import { generateSigningKey } from './keys.ts';

const [old, next, last, stranger] = [1, 2, 3, 4].map(() => generateSigningKey()) as [
  ReturnType<typeof generateSigningKey>,
  ReturnType<typeof generateSigningKey>,
  ReturnType<typeof generateSigningKey>,
  ReturnType<typeof generateSigningKey>,
];
const set = (serial: number, ...keys: (typeof old)[]): KeySet => ({
  v: 1,
  serial,
  keys: keys.map(({ publicKey }) => publicKey),
});
const first = set(1, old);

test('K1 a node that was away through two changes follows both, each signed by a member of the one before', () => {
  const frames = [sealKeySet(set(2, next, old), old), sealKeySet(set(3, last), next)];
  expect(followKeySets(first, frames)).toEqual(set(3, last));
  expect(followKeySets(set(2, next, old), frames)).toEqual(set(3, last));
});

test.for([
  ['a stranger signed', [sealKeySet(set(2, stranger), stranger)]],
  ['a key signed that the set no longer has', [sealKeySet(set(2, next), old), sealKeySet(set(3, stranger), old)]],
  ['is not newer', [sealKeySet(set(2, next), old), sealKeySet(set(2, stranger), next)]],
  ['was cut short', [sealKeySet(set(2, next), old), sealKeySet(set(3, last), next).slice(0, -9)]],
] as const)('K1 a set that %s leads nowhere', ([, frames]) => {
  const reached = followKeySets(first, frames);
  expect(reached.keys).not.toContain(stranger.publicKey);
  expect(reached.serial).toBeLessThanOrEqual(2);
});

test('K1 an older set is never gone back to', () => {
  const now = set(3, last, old);
  expect(followKeySets(now, [sealKeySet(set(2, old), old)])).toEqual(now);
});
