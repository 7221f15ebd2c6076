import { digestOfBytes, type Digest, type Name } from '@openward/contracts';
import { natsChunkSource, publishChunks } from '@openward/distribution';
import type { EngineLink, NodeLink } from '@openward/messaging';

// One chunk at a time, by the ways of production.

/** Over a bulk link, as a transfer reads it. Null where the stream does not have it. */
export async function fetchChunk(
  link: NodeLink,
  family: Name,
  digest: Digest,
  { timeoutMs = 10_000 }: { readonly timeoutMs?: number } = {},
): Promise<Uint8Array | null> {
  const source = natsChunkSource((subject, payload, options) => link.request(subject, payload, options));
  const bytes = await source.get(family, digest, { timeoutMs });
  return bytes === 'missing' ? null : bytes;
}

/** As the control plane fills the stream, and gives back the digest. */
export async function publishChunk(engine: EngineLink, family: Name, bytes: Uint8Array): Promise<Digest> {
  await engine.whenConnected();
  const digest = digestOfBytes(bytes);
  const store = { get: () => Promise.resolve(bytes) };
  await publishChunks({
    request: (subject, payload, options) => engine.nc.request(subject, payload, options),
    store,
    family,
    digests: [digest],
  });
  return digest;
}
