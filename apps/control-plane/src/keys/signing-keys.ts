import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest, KeySet } from '@openward/contracts';
import { keySetDigest, signingKeyFromSeed, type SigningKey } from '@openward/trust';
import { ConfigError } from '../config.ts';

/** The network's keys for desired states and answers (K1): the first signs, nodes pin the set. */
export interface SigningKeys {
  readonly signer: SigningKey;
  readonly set: KeySet;
  readonly digest: Digest;
}

/** `place` is a folder of `*.seed` files, taken by name, or a file with one seed a line. */
export async function loadSigningKeys(place: string): Promise<SigningKeys> {
  const seeds = await readSeeds(place).catch((cause: unknown) => {
    throw new ConfigError(`OPENWARD_SIGNING_KEYS: ${place} cannot be read`, { cause });
  });
  const keys = seeds.map((seed, index) => {
    try {
      return signingKeyFromSeed(seed);
    } catch (cause) {
      throw new ConfigError(`OPENWARD_SIGNING_KEYS: key ${index + 1} in ${place} is no seed`, { cause });
    }
  });
  const [signer] = keys;
  if (signer === undefined) throw new ConfigError(`OPENWARD_SIGNING_KEYS: ${place} has no key`);
  const set: KeySet = { v: 1, keys: keys.map((key) => key.publicKey) };
  return { signer, set, digest: keySetDigest(set) };
}

async function readSeeds(place: string): Promise<string[]> {
  if (!(await stat(place)).isDirectory()) return linesOf(await readFile(place, 'utf8'));
  const names = (await readdir(place)).filter((name) => name.endsWith('.seed')).toSorted();
  const texts = await Promise.all(names.map((name) => readFile(join(place, name), 'utf8')));
  return texts.flatMap(linesOf);
}

const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
