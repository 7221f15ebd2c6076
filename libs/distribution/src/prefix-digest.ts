import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Digest } from '@openward/contracts';

// The digest of a file while it is being written: a thread follows behind, so that little is left to do at the end. It is
// told only of bytes that stand; when some of those change after all, it is of no use any more, and the file is read anew.

/** Told in steps of this size, in bytes. */
const STEP = 4 * 1024 * 1024;

export interface PrefixDigest {
  /** Everything before `offset` is written. */
  advance(offset: number): void;
  /** Of the whole file; undefined when the thread failed. Ends it. */
  finish(size: number): Promise<Digest | undefined>;
  /** Idempotent. */
  stop(): Promise<void>;
}

export function followFile(path: string): PrefixDigest {
  const script = new URL(`./prefix-digest.worker${extname(import.meta.filename)}`, import.meta.url);
  const worker = new Worker(script, { workerData: { path } });
  worker.unref();
  const { promise, resolve } = Promise.withResolvers<{ offset: number; digest: Digest } | undefined>();
  worker.once('message', resolve);
  worker.once('error', () => resolve(undefined));
  worker.once('exit', () => resolve(undefined));
  let told = 0;
  return {
    advance(offset) {
      if (offset - told < STEP) return;
      told = offset;
      worker.postMessage({ to: offset, last: false });
    },
    async finish(size) {
      worker.ref();
      worker.postMessage({ to: size, last: true });
      const result = await promise;
      return result?.offset === size ? result.digest : undefined;
    },
    async stop() {
      await worker.terminate();
    },
  };
}
