import { z } from 'zod';
import { Digest, Name, Version } from './ids.ts';

// An artifact is a file that the network delivers: weights, an adapter, a release document, a suite. It is cut into chunks;
// the list of chunks is itself cut into lists, and the manifest names the lists (D2). So whatever its size, a document that
// names an artifact carries two digests, and each piece is checked as it arrives.

/** One size for all links, since a chunk's digest is its identity (D2, docs/adr/0015). In bytes. */
export const CHUNK_SIZE = 128 * 1024;

/** The most that a reader takes: whoever cuts larger chunks, up to this, is understood. In bytes. */
export const MAX_CHUNK_BYTES = 256 * 1024;

/** The most a manifest or a list of chunks may have, in bytes, so that both fit into one message. */
export const MAX_LIST_BYTES = 512 * 1024;

export const ChunkRef = z.object({ digest: Digest, size: z.int().min(1).max(MAX_CHUNK_BYTES) });
export type ChunkRef = z.infer<typeof ChunkRef>;

/** Second level: consecutive chunks of a file, in order. */
export const ChunkList = z.object({ chunks: z.array(ChunkRef).min(1).max(4096) });
export type ChunkList = z.infer<typeof ChunkList>;

/** First level. `file` is the digest of the whole file, checked once more when the last chunk is written. */
export const ArtifactManifest = z.object({
  v: z.literal(1),
  kind: z.enum(['gguf', 'document']),
  file: Digest,
  size: z.int().min(1),
  lists: z
    .array(z.object({ digest: Digest, bytes: z.int().min(1), size: z.int().min(1) }))
    .min(1)
    .max(2048),
});
export type ArtifactManifest = z.infer<typeof ArtifactManifest>;

/** What a document says of an artifact. `size` is the file's, in bytes. `family` is a base's lineage; rights go by it (D2). */
export const ArtifactRef = z.object({ manifest: Digest, file: Digest, size: z.int().min(1), family: Name });
export type ArtifactRef = z.infer<typeof ArtifactRef>;

/** How a conversation becomes the text that the model was trained on. A model version's own; the agent renders it, never a runtime. */
export const ChatTemplate = z.object({
  bos: z.string().max(64),
  system: z.object({ before: z.string().max(64), after: z.string().max(64) }),
  user: z.object({ before: z.string().max(64), after: z.string().max(64) }),
  assistant: z.object({ before: z.string().max(64), after: z.string().max(64) }),
  stop: z.array(z.string().min(1).max(64)).max(8),
});
export type ChatTemplate = z.infer<typeof ChatTemplate>;

/** What a variant needs of a node's class: threads and memory given to the runtime (R1). */
export const VariantNeeds = z.object({ threads: z.int().min(1), memoryBytes: z.int().min(0) });
export type VariantNeeds = z.infer<typeof VariantNeeds>;

/** A quantisation of a version for a class of hardware. An adapter's variant carries its base's file too. */
export const ModelVariant = z.object({
  variant: Version,
  artifact: ArtifactRef,
  base: ArtifactRef.optional(),
  needs: VariantNeeds,
});
export type ModelVariant = z.infer<typeof ModelVariant>;

export const ModelVersion = z.object({
  name: Name,
  version: Version,
  family: Name,
  kind: z.enum(['base', 'adapter']),
  base: z.object({ name: Name, version: Version }).optional(),
  template: ChatTemplate,
  contextLength: z.int().min(16).max(1_048_576),
  trainingStatement: z.string().max(4000).default(''),
  variants: z.array(ModelVariant).min(1).max(16),
});
export type ModelVersion = z.infer<typeof ModelVersion>;
