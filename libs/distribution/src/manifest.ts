import { createHash } from 'node:crypto';
import {
  ArtifactManifest,
  type ArtifactRef,
  canonicalJson,
  ChunkList,
  type ChunkRef,
  type Digest,
  digestOfBytes,
  MAX_LIST_BYTES,
  type Name,
  Refusal,
} from '@openward/contracts';
import type { z } from 'zod';
import { cutFile } from './chunking.ts';
import { type Gguf, readGguf } from './gguf.ts';
import type { ArtifactLayout, ByteSource, PlacedChunk } from './ports.ts';

// The two levels between an artifact's digest and its chunks. Both are canonical JSON. A list ends where a chunk's own digest
// says so, so that two versions of a model share the lists of what they share, as they share the chunks.

/** A list ends after a chunk whose digest's last nine bits are zero: every 512 chunks, or 64 MiB, on average. */
const ENDS_LIST = /[02468ace]00$/;
/** The most of the contract; then a list ends in any case. */
const MOST_CHUNKS = 4096;
/** Of a file: 128 GiB of full chunks. Bounds the memory that a manifest can ask for. */
const MOST_IN_FILE = 1_048_576;

export interface Piece {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

export interface BuiltArtifact {
  readonly layout: ArtifactLayout;
  readonly manifest: Piece;
  readonly lists: readonly Piece[];
  /** The header of a file of kind `gguf`. */
  readonly gguf: Gguf | undefined;
}

const pieceOf = (value: unknown): Piece => {
  const bytes = new TextEncoder().encode(canonicalJson(value));
  return { digest: digestOfBytes(bytes), bytes };
};

/** Groups chunks into lists. The same run of chunks gives the same lists, whatever stands before the last end of one. */
export function groupIntoLists(chunks: readonly ChunkRef[]): ChunkRef[][] {
  const lists: ChunkRef[][] = [];
  let current: ChunkRef[] = [];
  for (const { digest, size } of chunks) {
    current.push({ digest, size });
    if (!ENDS_LIST.test(digest) && current.length < MOST_CHUNKS) continue;
    lists.push(current);
    current = [];
  }
  if (current.length > 0) lists.push(current);
  return lists;
}

export function buildManifest(
  kind: ArtifactManifest['kind'],
  file: Digest,
  chunks: readonly PlacedChunk[],
): Omit<BuiltArtifact, 'gguf'> {
  const sizeOf = (list: readonly ChunkRef[]): number => list.reduce((sum, chunk) => sum + chunk.size, 0);
  const lists = groupIntoLists(chunks).map((list) => ({ ...pieceOf({ chunks: list }), size: sizeOf(list) }));
  const manifest = ArtifactManifest.parse({
    v: 1,
    kind,
    file,
    size: sizeOf(chunks),
    lists: lists.map(({ digest, bytes, size }) => ({ digest, bytes: bytes.length, size })),
  });
  const piece = pieceOf(manifest);
  return { layout: { digest: piece.digest, manifest, chunks }, manifest: piece, lists };
}

/**
 * Reads a file once and describes it. `gguf` is parsed first, and refused as `readGguf` does; an empty file is refused.
 * Memory: a chunk at a time, and about 200 bytes for each chunk.
 */
export async function describeArtifact(
  source: ByteSource,
  kind: ArtifactManifest['kind'],
  onChunk?: (chunk: PlacedChunk, bytes: Uint8Array) => Promise<void> | void,
): Promise<BuiltArtifact> {
  const gguf = kind === 'gguf' ? await readGguf(source) : undefined;
  if (source.size === 0) throw new Refusal('dataInvalid', 'The file is empty.');
  const whole = createHash('sha256');
  const chunks: PlacedChunk[] = [];
  for (const { offset, size } of cutFile(source.size, gguf)) {
    const bytes = await source.read(offset, size);
    whole.update(bytes);
    const chunk = { digest: digestOfBytes(bytes), size, offset };
    chunks.push(chunk);
    await onChunk?.(chunk, bytes);
  }
  return { ...buildManifest(kind, `sha256:${whole.digest('hex')}`, chunks), gguf };
}

export const refOf = (layout: ArtifactLayout, family: Name): ArtifactRef => ({
  manifest: layout.digest,
  file: layout.manifest.file,
  size: layout.manifest.size,
  family,
});

function parsePiece<T>(schema: z.ZodType<T>, what: string, digest: Digest, bytes: Uint8Array): T {
  const bad = (why: string, cause?: unknown): Refusal =>
    new Refusal('digestMismatch', `The ${what} ${digest} ${why}.`, { details: { digest }, cause });
  if (bytes.length > MAX_LIST_BYTES) throw bad(`has ${bytes.length} bytes, where ${MAX_LIST_BYTES} are the most`);
  const actual = digestOfBytes(bytes);
  if (actual !== digest) throw bad(`has bytes of the digest ${actual}`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw bad('is not JSON', cause);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw bad(`is not in the form of one: ${parsed.error.issues[0]?.message ?? ''}`, parsed.error);
  return parsed.data;
}

/** Verifies the digest, then parses; the lists' sizes must add up to the file's. Refuses `digestMismatch`. */
export function parseManifest(digest: Digest, bytes: Uint8Array): ArtifactManifest {
  const manifest = parsePiece(ArtifactManifest, 'manifest', digest, bytes);
  const sum = manifest.lists.reduce((total, list) => total + list.size, 0);
  if (sum !== manifest.size) {
    throw new Refusal('digestMismatch', `The lists of ${digest} have ${sum} bytes, and its file ${manifest.size}.`);
  }
  return manifest;
}

/** Verifies and parses one list of a manifest; its length and its chunks must be as the manifest says. */
export function parseList(expected: ArtifactManifest['lists'][number], bytes: Uint8Array): readonly ChunkRef[] {
  const { chunks } = parsePiece(ChunkList, 'list', expected.digest, bytes);
  const sum = chunks.reduce((total, chunk) => total + chunk.size, 0);
  if (bytes.length !== expected.bytes || sum !== expected.size) {
    throw new Refusal('digestMismatch', `The list ${expected.digest} is not as its manifest says.`);
  }
  return chunks;
}

/** Puts parsed lists, in the manifest's order, into one layout. */
export function layOut(
  digest: Digest,
  manifest: ArtifactManifest,
  lists: readonly (readonly ChunkRef[])[],
): ArtifactLayout {
  let offset = 0;
  const chunks: PlacedChunk[] = [];
  for (const chunk of lists.flat()) {
    chunks.push({ ...chunk, offset });
    offset += chunk.size;
  }
  if (offset !== manifest.size) {
    throw new Refusal('digestMismatch', `The chunks of ${digest} have ${offset} bytes, and its file ${manifest.size}.`);
  }
  return { digest, manifest, chunks };
}

/** Reads a manifest and its lists with `read`. The first digest that is not there is returned in its place. */
export async function readLayout(
  digest: Digest,
  read: (digest: Digest) => Promise<Uint8Array | undefined>,
): Promise<ArtifactLayout | { readonly missing: Digest }> {
  const bytes = await read(digest);
  if (!bytes) return { missing: digest };
  const manifest = parseManifest(digest, bytes);
  const lists: (readonly ChunkRef[])[] = [];
  let count = 0;
  for (const expected of manifest.lists) {
    const list = await read(expected.digest);
    if (!list) return { missing: expected.digest };
    const chunks = parseList(expected, list);
    count += chunks.length;
    if (count > MOST_IN_FILE) throw new Refusal('digestMismatch', `The file of ${digest} has too many chunks.`);
    lists.push(chunks);
  }
  return layOut(digest, manifest, lists);
}
