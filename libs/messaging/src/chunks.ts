import { CHUNK_STREAM, chunkSubject, type Digest, type Name } from '@openward/contracts';
import type { EngineLink } from './connect-control-plane.ts';
import type { NodeLink } from './connect-node.ts';

// Chunks by their digests, one message a subject (D2). The stream is a cache of the artifact store.

/**
 * Over a bulk link. Null when the stream does not have it: ask for a refill (D5). Nothing is checked here; a family to which
 * the node has no right is an error like a timeout.
 */
export async function fetchChunk(
  link: NodeLink,
  family: Name,
  digest: Digest,
  options: { readonly timeoutMs?: number } = {},
): Promise<Uint8Array | null> {
  await link.whenConnected();
  const subject = `$JS.API.DIRECT.GET.${CHUNK_STREAM}.${chunkSubject(family, digest)}`;
  const message = await link.nc.request(subject, '', { timeout: options.timeoutMs ?? 10_000 });
  const code = message.headers?.code ?? 0;
  if (code === 404) return null;
  if (code !== 0) throw new Error(`chunk ${digest}: ${code} ${message.headers?.description ?? ''}`);
  return message.data;
}

/** Without a message id: inside the duplicate window an upload after a removal would be acknowledged and not stored. */
export async function publishChunk(engine: EngineLink, family: Name, digest: Digest, bytes: Uint8Array): Promise<void> {
  await engine.whenConnected();
  await engine.js.publish(chunkSubject(family, digest), bytes);
}

export async function hasChunk(engine: EngineLink, family: Name, digest: Digest): Promise<boolean> {
  await engine.whenConnected();
  const subject = chunkSubject(family, digest);
  const { state } = await engine.jsm.streams.info(CHUNK_STREAM, { subjects_filter: subject });
  return state.subjects?.[subject] !== undefined;
}

export async function removeChunk(engine: EngineLink, family: Name, digest: Digest): Promise<void> {
  await engine.whenConnected();
  await engine.jsm.streams.purge(CHUNK_STREAM, { filter: chunkSubject(family, digest) });
}
