import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MOST_KEY_SETS, type Digest, type KeySet } from '@openward/contracts';
import { followKeySets, keySetDigest, openKeySet, signingKeyFromSeed, type SigningKey } from '@openward/trust';
import { ConfigError } from '../config.ts';

/** The network's keys for desired states and answers (K1): the first of the set signs, nodes pin the set. */
export interface SigningKeys {
  readonly signer: SigningKey;
  readonly set: KeySet;
  readonly digest: Digest;
  /** Every set, as frames, oldest first: what a node follows from the one that it pinned. None where there was never a second. */
  readonly frames: readonly string[];
}

/** `place` is a folder of `*.seed` and `*.keyset` files, taken by name, or a file with one seed a line, which never changes. */
export async function loadSigningKeys(place: string): Promise<SigningKeys> {
  const { seeds, frames } = await readPlace(place).catch((cause: unknown) => {
    throw new ConfigError(`OPENWARD_SIGNING_KEYS: ${place} cannot be read`, { cause });
  });
  const keys = seeds.map((seed, index) => {
    try {
      return signingKeyFromSeed(seed);
    } catch (cause) {
      throw new ConfigError(`OPENWARD_SIGNING_KEYS: key ${index + 1} in ${place} is no seed`, { cause });
    }
  });
  const [first] = keys;
  if (first === undefined) throw new ConfigError(`OPENWARD_SIGNING_KEYS: ${place} has no key`);
  const publicKeys = keys.map(({ publicKey }) => publicKey);
  const [firstFrame] = frames;
  const firstSet: KeySet | null =
    firstFrame === undefined ? { v: 1, serial: 1, keys: publicKeys } : openKeySet(firstFrame, publicKeys);
  const set = firstSet === null ? null : followKeySets(firstSet, frames);
  if (set === null || set.serial !== Math.max(1, frames.length))
    throw new ConfigError(
      `OPENWARD_SIGNING_KEYS: the key sets in ${place} do not follow each other up to the last of ${frames.length}`,
    );
  const signer = keys.find(({ publicKey }) => publicKey === set.keys[0]);
  if (signer === undefined) throw new ConfigError(`OPENWARD_SIGNING_KEYS: ${place} lacks the seed that signs now`);
  return { signer, set, digest: keySetDigest(set), frames };
}

async function readPlace(place: string): Promise<{ readonly seeds: string[]; readonly frames: string[] }> {
  if (!(await stat(place)).isDirectory()) return { seeds: linesOf(await readFile(place, 'utf8')), frames: [] };
  const names = (await readdir(place)).toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const read = (ending: string): Promise<string[]> =>
    Promise.all(names.filter((name) => name.endsWith(ending)).map((name) => readFile(join(place, name), 'utf8')));
  const frames = await read('.keyset');
  if (frames.length > MOST_KEY_SETS) throw new Error(`more than ${MOST_KEY_SETS} key sets`);
  return { seeds: (await read('.seed')).flatMap(linesOf), frames };
}

const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
