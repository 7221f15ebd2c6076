import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

// Hashes a file from its start, as far as it is told that nothing will be written there any more.

const { path } = workerData as { path: string };
const file = openSync(path, 'r');
const hash = createHash('sha256');
const buffer = new Uint8Array(1024 * 1024);
let offset = 0;

parentPort?.on('message', ({ to, last }: { to: number; last: boolean }) => {
  while (offset < to) {
    const read = readSync(file, buffer, 0, Math.min(buffer.length, to - offset), offset);
    if (read === 0) break;
    hash.update(buffer.subarray(0, read));
    offset += read;
  }
  if (!last) return;
  closeSync(file);
  parentPort?.postMessage({ offset, digest: `sha256:${hash.digest('hex')}` });
  parentPort?.close();
});
