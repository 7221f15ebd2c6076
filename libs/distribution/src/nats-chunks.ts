import { CHUNK_STREAM, chunkSubject, type Digest, digestOfBytes, type Name, Refusal } from '@openward/contracts';
import { runPool } from './pool.ts';
import type { ArtifactStore, ChunkSource } from './ports.ts';

// The chunk stream: one message a subject, read by direct get. It takes a `request` and no connection, so `nc.request` of
// any NATS client fits. Nothing here is trusted: readers verify each digest.

export interface NatsReply {
  readonly data: Uint8Array;
  readonly headers?: { readonly code: number; readonly description: string } | undefined;
}

/** As `NatsConnection.request`: rejects on time-out, on no responders, and when the connection is closed. */
export type NatsRequest = (
  subject: string,
  payload: Uint8Array | string | undefined,
  options: { timeout: number; signal?: AbortSignal | undefined },
) => Promise<NatsReply>;

const NOTHING = new Uint8Array(0);
const PUBLISH_WINDOW = 32;
const TIMEOUT_MS = 10_000;

const directGet = (family: Name, digest: Digest): string =>
  `$JS.API.DIRECT.GET.${CHUNK_STREAM}.${chunkSubject(family, digest)}`;

/** Rejects at once when the signal aborts; the request itself then ends by its own time-out, unheard. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

async function getChunk(
  request: NatsRequest,
  family: Name,
  digest: Digest,
  timeout: number,
  signal?: AbortSignal,
): Promise<Uint8Array | 'missing'> {
  const { data, headers } = await request(directGet(family, digest), NOTHING, { timeout, signal });
  const code = headers?.code ?? 0;
  if (code === 0) return data;
  if (code === 404) return 'missing';
  throw new Error(`the stream answered ${code} ${headers?.description ?? ''}`);
}

export function natsChunkSource(request: NatsRequest, giveBack?: (bytes: Uint8Array) => void): ChunkSource {
  return {
    ...(giveBack ? { giveBack } : {}),
    get: (family, digest, { timeoutMs, signal }) =>
      unlessAborted(getChunk(request, family, digest, timeoutMs, signal), signal),
  };
}

export interface PublishOptions {
  readonly request: NatsRequest;
  readonly store: Pick<ArtifactStore, 'get'>;
  readonly family: Name;
  readonly digests: Iterable<Digest>;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
  onPublished?(bytes: number): void;
}

export interface Published {
  readonly published: number;
  readonly publishedBytes: number;
  /** Were in the stream, with the right bytes. */
  readonly present: number;
  /** Are not in the artifact store either: only a new push brings them back. */
  readonly lost: readonly Digest[];
}

/**
 * Fills in what the stream lacks or holds damaged (D5, D7), from the artifact store, 32 at a time. Rejects as `request` does;
 * refuses `quotaExceeded` when the stream is full. Called again, it goes on where it was. Without a message id: within the
 * duplicate window a chunk that was removed would be acknowledged and not stored.
 */
export async function publishChunks(options: PublishOptions): Promise<Published> {
  const { request, store, family, signal, timeoutMs = TIMEOUT_MS } = options;
  const rest = [...new Set(options.digests)].reverse();
  let [published, publishedBytes, present] = [0, 0, 0];
  const lost: Digest[] = [];
  const fillIn = async (digest: Digest): Promise<void> => {
    signal?.throwIfAborted();
    const held = await getChunk(request, family, digest, timeoutMs);
    if (held !== 'missing' && digestOfBytes(held) === digest) {
      present += 1;
      return;
    }
    const bytes = await store.get(digest);
    if (!bytes) {
      lost.push(digest);
      return;
    }
    await publish(request, chunkSubject(family, digest), bytes, timeoutMs);
    published += 1;
    publishedBytes += bytes.length;
    options.onPublished?.(bytes.length);
  };
  const next = (): (() => Promise<void>) | undefined => {
    const digest = rest.pop();
    return digest === undefined ? undefined : () => fillIn(digest);
  };
  await runPool(next, () => PUBLISH_WINDOW);
  return { published, publishedBytes, present, lost };
}

interface PubAck {
  readonly stream?: string;
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description?: string };
}

async function publish(request: NatsRequest, subject: string, bytes: Uint8Array, timeout: number): Promise<void> {
  const { data } = await request(subject, bytes, { timeout });
  const { stream, error } = JSON.parse(new TextDecoder().decode(data)) as PubAck;
  // An error names its stream too.
  if (!error && stream === CHUNK_STREAM) return;
  const why = error?.description ?? `stored in ${stream ?? 'nothing'}`;
  if (/maximum (bytes|messages)|insufficient/.test(why)) {
    throw new Refusal('quotaExceeded', `The chunk stream is full: ${why}.`, { details: { subject } });
  }
  throw new Error(`a chunk was not stored: ${why}`);
}
