import { type Clock, type Digest, digestOfBytes, MAX_LIST_BYTES, Refusal } from '@openward/contracts';
import type { ArtifactStore } from './ports.ts';

// What every artifact store does alike (D1), and one in memory, which passes the same contract test as the real one.

const isBytes = (body: Uint8Array | AsyncIterable<Uint8Array>): body is Uint8Array => body instanceof Uint8Array;

/** Takes in at most a piece, whatever comes, and gives its bytes if they are those of the digest. */
export async function collectPiece(digest: Digest, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const take = (part: Uint8Array): void => {
    size += part.length;
    if (size > MAX_LIST_BYTES) {
      throw new Refusal('bodyTooLarge', `The piece has more than ${MAX_LIST_BYTES} bytes.`, { details: { digest } });
    }
    parts.push(part);
  };
  if (isBytes(body)) take(body);
  else for await (const part of body) take(part);
  const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  const actual = digestOfBytes(bytes);
  if (actual === digest) return bytes;
  throw new Refusal('digestMismatch', `The bytes have the digest ${actual}, and ${digest} was announced.`, {
    details: { announced: digest, actual, bytes: size },
  });
}

export const overQuota = (bytes: number, used: number, quotaBytes: number): Refusal =>
  new Refusal('quotaExceeded', `The store holds ${used} of ${quotaBytes} bytes, and ${bytes} more do not fit.`, {
    details: { bytes, used, quotaBytes },
  });

export function createMemoryStore(options: { readonly quotaBytes: number; readonly clock: Clock }): ArtifactStore {
  const { quotaBytes, clock } = options;
  const pieces = new Map<Digest, { bytes: Uint8Array; storedAt: number }>();
  const used = (): number => [...pieces.values()].reduce((sum, piece) => sum + piece.bytes.length, 0);
  const presentOf = (digests: Iterable<Digest>): Set<Digest> =>
    new Set([...digests].filter((digest) => pieces.has(digest)));
  return {
    async put(digest, body) {
      const there = pieces.get(digest);
      if (there) {
        there.storedAt = clock.wall();
        return false;
      }
      const bytes = Uint8Array.from(await collectPiece(digest, body));
      if (used() + bytes.length > quotaBytes) throw overQuota(bytes.length, used(), quotaBytes);
      pieces.set(digest, { bytes, storedAt: clock.wall() });
      return true;
    },
    async has(digests) {
      return presentOf(digests);
    },
    async claim(digests) {
      const present = presentOf(digests);
      for (const digest of present) pieces.get(digest)!.storedAt = clock.wall();
      return present;
    },
    async get(digest) {
      const piece = pieces.get(digest);
      return piece && Uint8Array.from(piece.bytes);
    },
    async delete(digest, storedBefore = Number.POSITIVE_INFINITY) {
      const piece = pieces.get(digest);
      return piece !== undefined && piece.storedAt < storedBefore && pieces.delete(digest);
    },
    async *list() {
      for (const [digest, { bytes, storedAt }] of Array.from(pieces)) yield { digest, bytes: bytes.length, storedAt };
    },
    async usage() {
      return { bytes: used(), quotaBytes };
    },
  };
}
