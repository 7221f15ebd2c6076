import { webcrypto } from 'node:crypto';
import type { Digest } from '@openward/contracts';

/** SHA-256 on a thread of Node's pool, so that the one that reads the network goes on. */
export async function threadedDigest(bytes: Uint8Array): Promise<Digest> {
  const digest = await webcrypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return `sha256:${Buffer.from(digest).toString('hex')}`;
}
