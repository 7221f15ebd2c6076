import { KeySet, type PublicKey } from '@openward/contracts';
import { openDocument, sealDocument } from './document.ts';
import type { SigningKey } from './keys.ts';

// K1: a node pins a set of keys; a new set is signed by a member of the old one. So a node that was away through several changes
// can follow them one by one from whichever set it holds, and needs to trust nobody else for it.

const SUBJECT = 'ow.v1.keyset';

/** As text, for a file and for JSON. `by` is a member of the set before. */
export const sealKeySet = (set: KeySet, by: SigningKey): string =>
  Buffer.from(sealDocument(SUBJECT, set, by)).toString('utf8');

/** The set in a frame that one of `keys` signed; null for any other. */
export function openKeySet(frame: string, keys: readonly PublicKey[]): KeySet | null {
  const opened = openDocument(SUBJECT, Buffer.from(frame), keys, KeySet);
  return 'value' in opened ? opened.value : null;
}

/**
 * The newest set that `pinned` leads to. A frame that no member of the set at hand has signed, or that is not newer, leads
 * nowhere; so frames may come from anybody, and in any order but that of what they follow.
 */
export function followKeySets(pinned: KeySet, frames: readonly string[]): KeySet {
  let current = pinned;
  for (const frame of frames) {
    const next = openKeySet(frame, current.keys);
    if (next !== null && next.serial > current.serial) current = next;
  }
  return current;
}
