import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { digestOf, type Digest, type KeySet, type PublicKey } from '@openward/contracts';

// Ed25519 by `node:crypto`: the same bytes as an nkey's signature, at a hundredth of its time.

const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const SEED_BYTES = 32;

/** Signs; never shows its private half. `publicKey` is 43 characters of base64url. */
export interface SigningKey {
  readonly publicKey: PublicKey;
  sign(bytes: Uint8Array): Uint8Array;
}

/** Makes a new seed: 32 secret bytes, base64url. The caller writes it to a file of mode 0600, or forgets it. */
export function generateSeed(): string {
  const { privateKey } = generateKeyPairSync('ed25519');
  const der = privateKey.export({ format: 'der', type: 'pkcs8' });
  return der.subarray(der.length - SEED_BYTES).toString('base64url');
}

/** Throws on anything that is not a seed. */
export function signingKeyFromSeed(seed: string): SigningKey {
  const bytes = Buffer.from(seed.trim(), 'base64url');
  if (bytes.length !== SEED_BYTES) throw new Error(`a signing seed has ${SEED_BYTES} bytes, this one ${bytes.length}`);
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, bytes]), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return {
    publicKey: spki.subarray(SPKI_PREFIX.length).toString('base64url'),
    sign: (message) => sign(null, message, privateKey),
  };
}

export const generateSigningKey = (): SigningKey => signingKeyFromSeed(generateSeed());

/** Reading a key takes two thirds of what verifying with it does, and the same few keys verify everything. */
const read = new Map<PublicKey, KeyObject>();
const MOST_READ = 4096;

/** For `crypto.verify`. Null for what is no key. */
export function verifyingKey(publicKey: PublicKey): KeyObject | null {
  const known = read.get(publicKey);
  if (known) return known;
  const bytes = Buffer.from(publicKey, 'base64url');
  if (bytes.length !== SEED_BYTES) return null;
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, bytes]), format: 'der', type: 'spki' });
  if (read.size >= MOST_READ) read.clear();
  read.set(publicKey, key);
  return key;
}

/** Names a key in a frame: 16 characters of the base64url of its SHA-256. It chooses which key to check with, and proves nothing. */
export const keyIdOf = (publicKey: PublicKey): string =>
  createHash('sha256').update(Buffer.from(publicKey, 'base64url')).digest('base64url').slice(0, 16);

/** What an enrolment token pins (K1, K2). */
export const keySetDigest = (set: KeySet): Digest => digestOf(set);
