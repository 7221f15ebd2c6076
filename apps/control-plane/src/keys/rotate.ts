import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MOST_KEY_SETS, type KeySet } from '@openward/contracts';
import { generateSeed, keyIdOf, sealKeySet, signingKeyFromSeed } from '@openward/trust';
import { ConfigError } from '../config.ts';
import { loadSigningKeys } from './signing-keys.ts';

/** Of a set: what nodes pin, at most. */
const MOST_KEYS = 8;

export interface Rotated {
  readonly serial: number;
  /** The key that signs from the next start on, and those that stay good beside it, by id. */
  readonly signs: string;
  readonly stay: readonly string[];
  readonly files: readonly string[];
}

/**
 * K1: a new key, and the set that it heads, signed by the key that signs now. Every replica gets the files and is started again;
 * a node follows by itself when it first sees an answer that the new key signed. `keepOld`: the keys before stay good, so that
 * replicas can be started one after another; without it they are good for nothing once a node has followed.
 */
export async function rotateKeys(place: string, { keepOld }: { readonly keepOld: boolean }): Promise<Rotated> {
  const { signer, set, frames } = await loadSigningKeys(place);
  if (frames.length >= MOST_KEY_SETS) throw new ConfigError(`${place} has ${MOST_KEY_SETS} key sets already`);
  const seed = generateSeed();
  const made = signingKeyFromSeed(seed);
  const next: KeySet = {
    v: 1,
    serial: set.serial + 1,
    keys: [made.publicKey, ...(keepOld ? set.keys : [])].slice(0, MOST_KEYS),
  };
  const write = async (name: string, text: string): Promise<string> => {
    const file = join(place, name);
    await writeFile(file, text, { mode: 0o600, flag: 'wx' });
    return file;
  };
  const named = (serial: number, ending: string): string => `${String(serial).padStart(2, '0')}.${ending}`;
  // A second seed of the first set has a number too.
  const there = await readdir(place);
  let number = next.serial;
  while (there.includes(named(number, 'seed'))) number += 1;
  // What the first set was could not be told from the seeds any more.
  if (frames.length === 0) await write(named(set.serial, 'keyset'), sealKeySet(set, signer));
  // The seed first: a set whose seed is not there would keep every replica from starting.
  const files = [
    await write(named(number, 'seed'), `${seed}\n`),
    await write(named(next.serial, 'keyset'), sealKeySet(next, signer)),
  ];
  return {
    serial: next.serial,
    signs: keyIdOf(made.publicKey),
    stay: next.keys.slice(1).map(keyIdOf),
    files,
  };
}
