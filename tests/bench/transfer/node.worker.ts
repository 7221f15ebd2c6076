import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { get as httpGet, type IncomingMessage } from 'node:http';
import type { ArtifactRef } from '@openward/contracts';
import { type ChunkSource, natsChunkSource, openLocalStore, threadedDigest, transfer } from '@openward/distribution';
import { type GiveBack, joinMessages } from '@openward/messaging';
import { Objm } from '@nats-io/obj';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { answer, peakMemory } from '../workers.ts';
import { startControlProbe } from './control-probe.ts';
import { BUCKET } from './place.ts';

// What a node does with one file, three ways, each in a process of its own. Times are from the first request until
// everything is verified and synced; connections stand before.

export interface Fetched {
  readonly ms: number;
  /** Of all threads of the process: it says more than `ms` where others want the processor too. */
  readonly cpuMs: number;
  readonly peakBytes: number;
}

export interface TransferTask {
  readonly url: string;
  readonly dir: string;
  readonly artifact: ArtifactRef;
  readonly bytesPerSecond?: number;
  /** Gives up after this many milliseconds, with what it has by then. */
  readonly forMs?: number;
  /** Each piece's bytes are noted here as they come, one number a line, in a way that outlives the process. */
  readonly fetchLog?: string;
  /** Asks over a control connection too: before, for so long, and then all the while. */
  readonly probe?: { readonly url: string; readonly idleMs: number; readonly everyMs: number };
}

export interface Transferred extends Fetched {
  readonly fetchedBytes: number;
  readonly reusedBytes: number;
  readonly idle: readonly number[];
  readonly busy: readonly number[];
}

async function openward(task: TransferTask): Promise<Transferred> {
  // As the agent's links are.
  const connection = await connect({ servers: task.url, noAsyncTraces: true });
  const giveBack = joinMessages(connection);
  const probe = task.probe && (await startControlProbe(task.probe.url, task.probe.everyMs));
  if (task.probe) await pause(task.probe.idleMs);
  const idle = probe?.take() ?? [];
  const store = await openLocalStore({ dir: task.dir, reserveBytes: 0 });
  const tally = { bytes: 0 };
  const source = counted(connection, giveBack, tally, task.fetchLog);
  const took = stopwatch();
  const result = await transfer(
    {
      clock: { monotonic: () => performance.now(), wall: () => Date.now() },
      timers: { sleep: pause },
      random: { bytes: (length) => randomBytes(length) },
      source,
      refill: { ask: () => Promise.reject(new Error('the stream lacks a chunk')) },
      store,
      digest: threadedDigest,
    },
    {
      artifact: task.artifact,
      link: { bytesPerSecond: () => task.bytesPerSecond, roundTripMs: () => undefined },
      ...(task.forMs === undefined ? {} : { signal: AbortSignal.timeout(task.forMs) }),
    },
  ).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === 'TimeoutError') return { reusedBytes: 0 };
    throw error;
  });
  const times = took();
  const busy = probe?.take() ?? [];
  await probe?.close();
  await connection.close();
  return { ...times, peakBytes: peakMemory(), fetchedBytes: tally.bytes, reusedBytes: result.reusedBytes, idle, busy };
}

function counted(
  connection: NatsConnection,
  giveBack: GiveBack,
  tally: { bytes: number },
  fetchLog: string | undefined,
): ChunkSource {
  const source = natsChunkSource((subject, payload, options) => connection.request(subject, payload, options));
  return {
    giveBack,
    async get(family, digest, options) {
      const bytes = await source.get(family, digest, options);
      if (bytes === 'missing') return bytes;
      tally.bytes += bytes.length;
      if (fetchLog !== undefined) appendFileSync(fetchLog, `${bytes.length}\n`);
      return bytes;
    },
  };
}

/** The client verifies the digest itself while it reads. */
async function objectStore(task: { readonly url: string; readonly name: string; readonly path: string }) {
  const connection = await connect({ servers: task.url });
  const bucket = await new Objm(connection).open(BUCKET);
  const took = stopwatch();
  const found = await bucket.get(task.name);
  if (found === null) throw new Error('the object is not there');
  const file = await open(task.path, 'w');
  for await (const piece of found.data) await file.write(piece);
  const failed = await found.error;
  if (failed) throw failed;
  await file.sync();
  await file.close();
  const times = took();
  await connection.close();
  return { ...times, peakBytes: peakMemory() } satisfies Fetched;
}

async function http(task: { readonly url: string; readonly path: string; readonly digest: string }) {
  const took = stopwatch();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    httpGet(task.url, resolve).on('error', reject);
  });
  const hash = createHash('sha256');
  const file = await open(task.path, 'w');
  for await (const piece of response as AsyncIterable<Buffer>) {
    const written = file.write(piece);
    hash.update(piece);
    await written;
  }
  await file.sync();
  await file.close();
  if (`sha256:${hash.digest('hex')}` !== task.digest) throw new Error('the file is not what it should be');
  return { ...took(), peakBytes: peakMemory() } satisfies Fetched;
}

function stopwatch(): () => { readonly ms: number; readonly cpuMs: number } {
  const [began, used] = [performance.now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(used);
    return { ms: performance.now() - began, cpuMs: (user + system) / 1000 };
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const questions = answer({ openward, objectStore, http });
export type NodeWorker = typeof questions;
