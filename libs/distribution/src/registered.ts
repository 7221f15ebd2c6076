import { createHash } from 'node:crypto';
import { type ArtifactRef, type Digest, Refusal } from '@openward/contracts';
import { cutFile } from './chunking.ts';
import { type Gguf, readGguf } from './gguf.ts';
import { readLayout } from './manifest.ts';
import type { ArtifactLayout, ArtifactStore, ByteSource } from './ports.ts';

// What the control plane checks before it registers a version (D1): whoever pushed it is not trusted to have read the file.

/** A file that stands in the store as chunks. A chunk that is gone or damaged is refused as `chunkMissing`. */
export function storedFile(store: ArtifactStore, layout: ArtifactLayout): ByteSource {
  const { chunks } = layout;
  const chunkAt = (offset: number): number => {
    let [low, high] = [0, chunks.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (chunks[middle]!.offset <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  return {
    size: layout.manifest.size,
    async read(offset, length) {
      const out = new Uint8Array(length);
      for (let i = chunkAt(offset), written = 0; written < length; i += 1) {
        const chunk = chunks[i]!;
        const bytes = await store.get(chunk.digest);
        if (!bytes) throw missing([chunk.digest]);
        if (bytes.length !== chunk.size) throw notAsSaid(`chunk ${chunk.digest} has ${bytes.length} bytes`);
        const from = offset + written - chunk.offset;
        const part = bytes.subarray(from, Math.min(chunk.size, from + length - written));
        out.set(part, written);
        written += part.length;
      }
      return out;
    },
  };
}

const missing = (digests: readonly Digest[]): Refusal =>
  new Refusal('chunkMissing', `The store lacks ${digests.length} of this artifact's chunks.`, {
    details: { missing: digests.slice(0, 1000) },
  });

const notAsSaid = (why: string): Refusal => new Refusal('digestMismatch', `The artifact is not as it says: ${why}.`);

/**
 * Reads an artifact from the store as a node would: every piece there and claimed, the file's digest and size as `ref` says,
 * its GGUF header sound and its chunks cut where they should be. Refuses `chunkMissing` (with the digests), `digestMismatch`, or as `readGguf`.
 */
export async function verifyStored(
  store: ArtifactStore,
  ref: ArtifactRef,
): Promise<{ layout: ArtifactLayout; gguf: Gguf | undefined }> {
  const layout = await readLayout(ref.manifest, (digest) => store.get(digest));
  if ('missing' in layout) throw missing([layout.missing]);
  const { manifest, chunks } = layout;
  if (manifest.file !== ref.file || manifest.size !== ref.size) throw notAsSaid('its manifest is of another file');
  const digests = new Set([...chunks, ...manifest.lists, { digest: layout.digest }].map((piece) => piece.digest));
  const there = await store.claim(digests);
  const absent = [...digests].filter((digest) => !there.has(digest));
  if (absent.length > 0) throw missing(absent);
  const file = storedFile(store, layout);
  const gguf = manifest.kind === 'gguf' ? await readGguf(file) : undefined;
  let i = 0;
  for (const cut of cutFile(manifest.size, gguf)) {
    const chunk = chunks[i++];
    if (chunk?.offset !== cut.offset || chunk.size !== cut.size) throw notAsSaid(`no chunk starts at ${cut.offset}`);
  }
  const whole = createHash('sha256');
  for (const chunk of chunks) whole.update(await file.read(chunk.offset, chunk.size));
  const digest = `sha256:${whole.digest('hex')}`;
  if (digest !== manifest.file) throw notAsSaid(`its chunks make up ${digest}`);
  return { layout, gguf };
}
