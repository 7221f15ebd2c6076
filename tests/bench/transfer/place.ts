import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHUNK_STREAM, CHUNK_WILDCARD, type ArtifactRef } from '@openward/contracts';
import { publishChunks, refOf } from '@openward/distribution';
import { type RunningNats, startNats } from '@openward/testkit';
import { DiscardPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { Objm } from '@nats-io/obj';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { Published } from './artifact.ts';

export const FAMILY = 'bench';
export const BUCKET = 'bench';
export const CONTROL_STREAM = 'BENCH_CONTROL';
export const CONTROL_SUBJECT = 'bench.control.desired';

/** A real NATS server with the chunk stream as the control plane makes it, and a folder that goes when all is over. */
export interface Place {
  readonly dir: string;
  readonly nats: RunningNats;
  /** Puts a file into the chunk stream, and says how a node names it. */
  publish(artifact: Published): Promise<ArtifactRef>;
  /** Puts a file into an object store beside, under this name. */
  putObject(name: string, bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

export async function openPlace(): Promise<Place> {
  const dir = await mkdtemp(join(tmpdir(), 'openward-bench-'));
  const config = `jetstream { store_dir: ${JSON.stringify(join(dir, 'jetstream'))} }`;
  const nats = await startNats({ config, dir: join(dir, 'nats'), name: 'bench' });
  const connection: NatsConnection = await connect({ servers: nats.url });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({
    name: CHUNK_STREAM,
    subjects: [CHUNK_WILDCARD],
    allow_direct: true,
    max_msgs_per_subject: 1,
    discard: DiscardPolicy.New,
  });
  await manager.streams.add({ name: CONTROL_STREAM, subjects: [CONTROL_SUBJECT], allow_direct: true });
  // A desired state has two or three kilobytes.
  await jetstream(connection).publish(CONTROL_SUBJECT, new Uint8Array(2500));
  return {
    dir,
    nats,
    async publish({ built, pieces }) {
      await publishChunks({
        request: (subject, payload, options) => connection.request(subject, payload, options),
        store: { get: (digest) => Promise.resolve(pieces.get(digest)) },
        family: FAMILY,
        digests: pieces.keys(),
      });
      return refOf(built.layout, FAMILY);
    },
    async putObject(name, bytes) {
      const bucket = await new Objm(connection).create(BUCKET);
      await bucket.putBlob({ name }, bytes);
    },
    async close() {
      await connection.close();
      await nats.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
