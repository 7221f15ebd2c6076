import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CHUNK_SIZE,
  CHUNK_STREAM,
  CHUNK_WILDCARD,
  chunkSubject,
  type Digest,
  digestOfBytes,
} from '@openward/contracts';
import { DiscardPolicy, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningNats, startNats } from '@openward/testkit';
import { createMemoryStore } from './artifact-store.ts';
import { openLocalStore } from './local-store.fs.ts';
import { type BuiltArtifact, describeArtifact, refOf } from './manifest.ts';
import { natsChunkSource, type NatsRequest, publishChunks } from './nats-chunks.ts';
import type { ArtifactStore } from './ports.ts';
import { threadedDigest } from './threaded-digest.ts';
import { transfer } from './transfer.driver.ts';

let dir: string;
let server: RunningNats;
let connection: NatsConnection;
let manager: JetStreamManager;
const request: NatsRequest = (subject, payload, options) => connection.request(subject, payload, options);
const clock = { monotonic: () => performance.now(), wall: () => Date.now() };
const MAX_BYTES = 64 * 1024 * 1024;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'openward-chunks-'));
  const config = `jetstream { store_dir: "${join(dir, 'jetstream')}" }`;
  server = await startNats({ config, dir: join(dir, 'server'), name: 'chunks' });
  connection = await connect({ servers: server.url });
  manager = await jetstreamManager(connection);
});
afterAll(async () => {
  await connection.close();
  await server.stop();
  await rm(dir, { recursive: true });
});

let streams = 0;
const openStream = async (max_bytes = MAX_BYTES): Promise<void> => {
  if (streams > 0) await manager.streams.delete(CHUNK_STREAM);
  streams += 1;
  await manager.streams.add({
    name: CHUNK_STREAM,
    subjects: [CHUNK_WILDCARD],
    allow_direct: true,
    max_msgs_per_subject: 1,
    discard: DiscardPolicy.New,
    max_bytes,
  });
};
beforeEach(() => openStream());

async function pushed(bytes: Uint8Array): Promise<{ built: BuiltArtifact; store: ArtifactStore; digests: Digest[] }> {
  const store = createMemoryStore({ quotaBytes: 1e9, clock });
  const source = { size: bytes.length, read: async (at: number, n: number) => bytes.subarray(at, at + n) };
  const built = await describeArtifact(source, 'document', async (chunk, part) => {
    await store.put(chunk.digest, part);
  });
  for (const piece of [built.manifest, ...built.lists]) await store.put(piece.digest, piece.bytes);
  const digests = [...built.layout.chunks, ...built.lists, built.manifest].map((piece) => piece.digest);
  return { built, store, digests: [...new Set(digests)] };
}
const bytesOf = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) * 13 + (i >> 16)) & 255);

describe('D2 the chunk stream', () => {
  it('is filled with what it lacks, and again when it lost something or holds it damaged', async () => {
    const { store, digests } = await pushed(bytesOf(9 * CHUNK_SIZE + 1));
    const options = { request, store, family: 'nano', digests };
    expect(await publishChunks(options)).toMatchObject({ published: digests.length, present: 0, lost: [] });
    expect(await publishChunks(options)).toMatchObject({ published: 0, present: digests.length });
    await connection.request(chunkSubject('nano', digests[0]!), 'damaged');
    await manager.streams.purge(CHUNK_STREAM, { filter: chunkSubject('nano', digests[1]!) });
    expect(await publishChunks(options)).toMatchObject({ published: 2, present: digests.length - 2 });
    const { state } = await manager.streams.info(CHUNK_STREAM);
    expect(state.messages).toBe(digests.length);
  });

  it('tells what the artifact store does not have either', async () => {
    const { store } = await pushed(bytesOf(1000));
    const gone = digestOfBytes('gone');
    expect(await publishChunks({ request, store, family: 'nano', digests: [gone] })).toMatchObject({ lost: [gone] });
  });

  it('refuses when it is full', async () => {
    await openStream(1024 * 1024);
    const { store, digests } = await pushed(bytesOf(9 * CHUNK_SIZE + 1));
    await expect(publishChunks({ request, store, family: 'nano', digests })).rejects.toMatchObject({
      code: 'quotaExceeded',
    });
  });

  it('gives a chunk, says what is missing, and stops at once when it is told to', async () => {
    const { store, digests, built } = await pushed(bytesOf(300_000));
    await publishChunks({ request, store, family: 'nano', digests });
    const source = natsChunkSource(request);
    const [chunk] = built.layout.chunks;
    const got = await source.get('nano', chunk!.digest, { timeoutMs: 2000 });
    expect(digestOfBytes(got as Uint8Array)).toBe(chunk!.digest);
    expect(await source.get('other', chunk!.digest, { timeoutMs: 2000 })).toBe('missing');
    const stopped = new AbortController();
    const silent = natsChunkSource(() => new Promise(() => undefined));
    const asked = silent.get('nano', chunk!.digest, { timeoutMs: 2000, signal: stopped.signal });
    stopped.abort(new Error('stop'));
    await expect(asked).rejects.toThrow('stop');
    await manager.streams.delete(CHUNK_STREAM);
    streams = 0;
    await expect(source.get('nano', chunk!.digest, { timeoutMs: 2000 })).rejects.toThrow(/responders/);
  });

  it('D5 carries a file to a node, while chunks are filled in again that it lost', async () => {
    const bytes = bytesOf(20 * CHUNK_SIZE + 77);
    const { built, store, digests } = await pushed(bytes);
    await publishChunks({ request, store, family: 'nano', digests });
    for (const lost of built.layout.chunks.slice(3, 9)) {
      await manager.streams.purge(CHUNK_STREAM, { filter: chunkSubject('nano', lost.digest) });
    }
    const states = new Set<string>();
    const local = await openLocalStore({ dir: join(dir, 'node'), reserveBytes: 0 });
    const ports = {
      clock,
      timers: { sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)) },
      random: { bytes: (length: number) => new Uint8Array(length) },
      source: natsChunkSource(request),
      refill: {
        ask: async (family: string, _: Digest, missing: readonly Digest[]) => {
          await publishChunks({ request, store, family, digests: missing });
          return { retryAfterMs: 0 };
        },
      },
      store: local,
      digest: threadedDigest,
    };
    const link = { bytesPerSecond: () => undefined, roundTripMs: () => undefined };
    const onState = ({ kind }: { kind: string }): void => void states.add(kind);
    const { path } = await transfer(ports, { artifact: refOf(built.layout, 'nano'), link, onState });
    expect(path).toBe(await local.find(digestOfBytes(bytes)));
    expect(await local.verify(digestOfBytes(bytes))).toBe(true);
    expect(states).toContain('chunksMissing');
  });
});
