import {
  type ArtifactManifest,
  type ChatTemplate,
  type Digest,
  type ModelView,
  type Name,
  Refusal,
  SuiteDocument,
  type SuiteView,
  Version,
  type VariantNeeds,
  wordsOfIssue,
} from '@openward/contracts';
import { type ByteSource, describeArtifact, type Gguf, readGguf } from '@openward/distribution';
import type { Client, Creating } from './client.ts';
import { openFile } from './file-source.ts';

// A push (D1): read once to describe, ask what the store lacks, send that in a window, register. Broken off anywhere, the
// next push asks again and goes on.

export type PushProgress =
  | { readonly phase: 'reading'; readonly bytes: number; readonly of: number }
  /** `of` is what the store lacks, not the file. */
  | { readonly phase: 'uploading'; readonly bytes: number; readonly of: number };

interface Uploading {
  /** Pieces on their way at once. */
  readonly window?: number;
  readonly onProgress?: (progress: PushProgress) => void;
  readonly signal?: AbortSignal;
}

export interface PushArtifact extends Uploading {
  readonly file: string | ByteSource;
  readonly kind?: ArtifactManifest['kind'];
}

export interface Artifact {
  /** What a registration names. */
  readonly manifest: Digest;
  readonly file: Digest;
  readonly size: number;
  readonly chunks: number;
  readonly uploadedBytes: number;
  readonly gguf: Gguf | undefined;
}

export interface PushModel extends Uploading {
  readonly file: string;
  readonly name: Name;
  readonly version: Version;
  /** The file's main tensor type where it is not given: `f16`, `q8_0`. */
  readonly variant?: Version | undefined;
  /** Of an adapter, which must name one. */
  readonly base?: { readonly name: Name; readonly version: Version } | undefined;
  readonly baseVariant?: Version | undefined;
  readonly template: ChatTemplate;
  /** What the file says where it is not given. */
  readonly contextLength?: number | undefined;
  readonly needs: VariantNeeds;
  readonly trainingStatement?: string | undefined;
}

export interface PushedModel {
  readonly model: ModelView;
  readonly variant: Version;
  readonly artifact: Artifact;
}

const WINDOW = 8;
/** As many as one question may name. */
const ASKED_AT_ONCE = 1000;

export async function pushModel(client: Client, push: PushModel): Promise<PushedModel> {
  const file = await openFile(push.file);
  try {
    const gguf = await readGguf(file);
    // Everything that can be refused here is, before a byte is sent.
    const { name, version, base, baseVariant, template, needs, trainingStatement = '' } = push;
    const kind = kindOf(push, gguf);
    const variant = push.variant ?? variantOf(gguf);
    const contextLength = push.contextLength ?? (await contextOf(client, push, gguf));
    const artifact = await pushArtifact(client, { ...push, file, kind: 'gguf' });
    const model = await client.models.register(name, version, {
      variant,
      manifest: artifact.manifest,
      kind,
      ...(base === undefined ? {} : { base }),
      ...(baseVariant === undefined ? {} : { baseVariant }),
      template,
      contextLength,
      needs,
      trainingStatement,
    });
    return { model, variant, artifact };
  } finally {
    await file.close();
  }
}

/** The header of a file, or why it is refused (`notGguf`, `ggufCutShort`, `ggufHostile`), saying where. */
export async function inspectModel(path: string): Promise<Gguf> {
  const file = await openFile(path);
  try {
    return await readGguf(file);
  } finally {
    await file.close();
  }
}

function kindOf({ base, file }: PushModel, { metadata }: Gguf): 'base' | 'adapter' {
  const kind = metadata.type === 'adapter' ? 'adapter' : 'base';
  if (kind === 'adapter' && base === undefined) {
    throw new Refusal('baseMismatch', `${file} is an adapter, and no base was named.`);
  }
  if (kind === 'base' && base !== undefined) {
    throw new Refusal('baseMismatch', `${file} is a whole model, and a base was named for it.`);
  }
  return kind;
}

function variantOf({ metadata }: Gguf): Version {
  const found = Version.safeParse(metadata.quantisation?.toLowerCase());
  if (found.success) return found.data;
  throw new Refusal('badRequest', 'The file does not say what its variant could be called; name the variant.');
}

async function contextOf(client: Client, { base }: PushModel, { metadata }: Gguf): Promise<number> {
  if (metadata.contextLength !== undefined) return metadata.contextLength;
  if (base !== undefined) return (await client.models.get(base.name, base.version)).contextLength;
  throw new Refusal('badRequest', 'The file does not say its context length; give contextLength.');
}

export async function pushArtifact(client: Client, push: PushArtifact): Promise<Artifact> {
  const source = typeof push.file === 'string' ? await openFile(push.file) : push.file;
  try {
    return await uploadMissing(client, source, push);
  } finally {
    if (typeof push.file === 'string') await (source as Awaited<ReturnType<typeof openFile>>).close();
  }
}

interface Piece {
  readonly digest: Digest;
  readonly size: number;
  bytes(): Promise<Uint8Array> | Uint8Array;
}

async function uploadMissing(client: Client, source: ByteSource, push: PushArtifact): Promise<Artifact> {
  const { kind = 'gguf', window = WINDOW, onProgress, signal } = push;
  let read = 0;
  const built = await describeArtifact(source, kind, ({ size }) => {
    signal?.throwIfAborted();
    read += size;
    onProgress?.({ phase: 'reading', bytes: read, of: source.size });
  });
  const { layout } = built;
  const pieces = new Map<Digest, Piece>();
  for (const { digest, offset, size } of layout.chunks) {
    pieces.set(digest, { digest, size, bytes: () => source.read(offset, size) });
  }
  for (const { digest, bytes } of [...built.lists, built.manifest]) {
    pieces.set(digest, { digest, size: bytes.length, bytes: () => bytes });
  }
  const missing = await missingOf(client, pieces);
  const toSend = missing.reduce((sum, { size }) => sum + size, 0);
  let sent = 0;
  onProgress?.({ phase: 'uploading', bytes: 0, of: toSend });
  await inWindow(missing, window, async (piece) => {
    signal?.throwIfAborted();
    await client.chunks.put(piece.digest, await piece.bytes(), signal);
    sent += piece.size;
    onProgress?.({ phase: 'uploading', bytes: sent, of: toSend });
  });
  return {
    manifest: layout.digest,
    file: layout.manifest.file,
    size: layout.manifest.size,
    chunks: layout.chunks.length,
    uploadedBytes: sent,
    gguf: built.gguf,
  };
}

async function missingOf(client: Client, pieces: ReadonlyMap<Digest, Piece>): Promise<Piece[]> {
  const digests = [...pieces.keys()];
  const missing: Piece[] = [];
  for (let at = 0; at < digests.length; at += ASKED_AT_ONCE) {
    for (const digest of await client.chunks.missing(digests.slice(at, at + ASKED_AT_ONCE))) {
      const piece = pieces.get(digest);
      if (piece !== undefined) missing.push(piece);
    }
  }
  return missing;
}

/** Never more than `width` at once; after a failure none is begun, and it rejects with the first. */
async function inWindow<T>(items: readonly T[], width: number, act: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  let failed = false;
  const lane = async (): Promise<void> => {
    for (const item of left) {
      if (failed) return;
      try {
        await act(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: width }, lane));
  const end = ends.find((it) => it.status === 'rejected');
  if (end !== undefined) throw end.reason;
}

const MOST_TOLD = 20;

export async function pushSuite(client: Client, document: unknown, creating?: Creating): Promise<SuiteView> {
  const parsed = SuiteDocument.safeParse(document);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.length ? `\`${issue.path.join('.')}\`: ` : '';
    throw new Refusal(
      'badRequest',
      `The suite is refused: ${where}${issue === undefined ? 'it has another form' : wordsOfIssue(issue)}.`,
      {
        details: parsed.error.issues.slice(0, MOST_TOLD).map((it) => `${it.path.join('.')}: ${wordsOfIssue(it)}`),
      },
    );
  }
  return client.suites.create(parsed.data, creating);
}
