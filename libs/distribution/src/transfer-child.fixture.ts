import { openSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { ArtifactRef, Digest } from '@openward/contracts';
import { openLocalStore } from './local-store.fs.ts';
import { threadedDigest } from './threaded-digest.ts';
import { transfer } from './transfer.driver.ts';

// A node's transfer in a process of its own, to be killed. It makes the chunks that it "fetches", and notes each before it
// has it, in a way that outlives it.

export interface ChildTask {
  readonly dir: string;
  readonly fetchLog: string;
  readonly artifact: ArtifactRef;
  /** A JSON file: what each digest's bytes are, base64, or the number of the chunk to make. */
  readonly pieces: string;
  readonly chunkSize: number;
}

export const makeChunk = (index: number, size: number): Uint8Array =>
  new Uint8Array(Buffer.alloc(size, `chunk ${index}, `));

if (import.meta.main) {
  const task = JSON.parse(process.argv[2]!) as ChildTask;
  const pieces = JSON.parse(await readFile(task.pieces, 'utf8')) as Record<Digest, string | number>;
  const log = openSync(task.fetchLog, 'a');
  const result = await transfer(
    {
      clock: { monotonic: () => performance.now(), wall: () => Date.now() },
      timers: { sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) },
      random: { bytes: (length) => new Uint8Array(length) },
      source: {
        get: async (_, digest) => {
          const piece = pieces[digest]!;
          const bytes = typeof piece === 'number' ? makeChunk(piece, task.chunkSize) : Buffer.from(piece, 'base64');
          writeSync(log, `${bytes.length}\n`);
          process.send!(bytes.length);
          await new Promise((resolve) => setImmediate(resolve));
          return bytes;
        },
      },
      refill: { ask: async () => ({ retryAfterMs: 1000 }) },
      store: await openLocalStore({ dir: task.dir, reserveBytes: 0 }),
      digest: threadedDigest,
    },
    { artifact: task.artifact, link: { bytesPerSecond: () => undefined, roundTripMs: () => undefined } },
  );
  await new Promise((resolve) => process.send!(result, resolve));
  process.disconnect();
}
