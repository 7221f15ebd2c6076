import { copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { followKeySets, generateSeed, keyIdOf } from '@openward/trust';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { rotateKeys } from './rotate.ts';
import { loadSigningKeys } from './signing-keys.ts';

let place: string;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'openward-signing-'));
  await writeFile(join(place, '01.seed'), generateSeed());
});
afterEach(() => rm(place, { recursive: true }));

test('K1 the new key signs, the old one stays good beside it, and a node follows from the set that it pinned', async () => {
  const before = await loadSigningKeys(place);
  const rotated = await rotateKeys(place, { keepOld: true });
  const after = await loadSigningKeys(place);
  expect(rotated).toMatchObject({ serial: 2, stay: [keyIdOf(before.signer.publicKey)] });
  expect(keyIdOf(after.signer.publicKey)).toBe(rotated.signs);
  expect(followKeySets(before.set, after.frames)).toEqual(after.set);
});

test('K1 a node that pinned the first of a dozen sets follows to the last, which has one key', async () => {
  const { set } = await loadSigningKeys(place);
  for (let count = 0; count < 11; count += 1) await rotateKeys(place, { keepOld: false });
  const after = await loadSigningKeys(place);
  expect(after.set).toMatchObject({ serial: 12, keys: [after.signer.publicKey] });
  expect(followKeySets(set, after.frames)).toEqual(after.set);
});

test('K1 a folder that was made with a second seed is rotated too, and a node that pinned both follows', async () => {
  await writeFile(join(place, '02.seed'), generateSeed());
  const { set } = await loadSigningKeys(place);
  await rotateKeys(place, { keepOld: true });
  const rotated = await rotateKeys(place, { keepOld: false });
  const after = await loadSigningKeys(place);
  expect(set.keys).toHaveLength(2);
  expect(after.set).toMatchObject({ serial: 3, keys: [after.signer.publicKey] });
  expect(keyIdOf(after.signer.publicKey)).toBe(rotated.signs);
  expect(followKeySets(set, after.frames)).toEqual(after.set);
});

test('a folder that lacks one of its sets, or the seed that signs, keeps the control plane from starting', async () => {
  await rotateKeys(place, { keepOld: false });
  await rotateKeys(place, { keepOld: false });
  const names = await readdir(place);
  for (const [name, why] of [
    ['02.keyset', 'do not follow'],
    ['03.seed', 'lacks the seed'],
  ] as const) {
    expect(names).toContain(name);
    const copy = await mkdtemp(join(tmpdir(), 'openward-signing-'));
    for (const one of names.filter((it) => it !== name)) await copyFile(join(place, one), join(copy, one));
    await expect(loadSigningKeys(copy)).rejects.toThrow(why);
    await rm(copy, { recursive: true });
  }
});
