import { fork } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHUNK_SIZE } from '@openward/contracts';
import { afterEach, expect, it } from 'vitest';
import { openLocalStore } from './local-store.fs.ts';
import { describeArtifact, refOf } from './manifest.ts';
import type { TransferResult } from './ports.ts';
import { type ChildTask, makeChunk } from './transfer-child.fixture.ts';

const MIB = 1024 * 1024;
const CHUNKS = 960;
let dir = '';
afterEach(() => rm(dir, { recursive: true }));

/** Runs until it has fetched `killAfter` bytes, and kills it then; without, until it is done. */
function run(task: ChildTask, killAfter?: number): Promise<TransferResult | undefined> {
  const script = new URL('./transfer-child.fixture.ts', import.meta.url);
  const child = fork(script, [JSON.stringify(task)], { execArgv: ['--conditions=@openward/source'] });
  return new Promise((resolve, reject) => {
    let fetched = 0;
    let result: TransferResult | undefined;
    child.on('message', (message: number | TransferResult) => {
      if (typeof message !== 'number') result = message;
      else if ((fetched += message) >= (killAfter ?? Number.POSITIVE_INFINITY)) child.kill('SIGKILL');
    });
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0 || killAfter !== undefined ? resolve(result) : reject(new Error(`exit ${code}`)),
    );
  });
}

it('after kill -9 fetches again at most 64 MiB, and nothing partial looks whole', async () => {
  dir = await mkdtemp(join(tmpdir(), 'openward-kill-'));
  const size = CHUNKS * CHUNK_SIZE;
  const source = { size, read: async (offset: number, length: number) => makeChunk(offset / CHUNK_SIZE, length) };
  const built = await describeArtifact(source, 'document');
  const pieces = Object.fromEntries([
    ...built.layout.chunks.map(({ digest }, index) => [digest, index]),
    ...[built.manifest, ...built.lists].map(({ digest, bytes }) => [digest, Buffer.from(bytes).toString('base64')]),
  ]) as Record<string, string | number>;
  const task: ChildTask = {
    dir: join(dir, 'node'),
    fetchLog: join(dir, 'fetched'),
    artifact: refOf(built.layout, 'nano'),
    pieces: join(dir, 'pieces.json'),
    chunkSize: CHUNK_SIZE,
  };
  await writeFile(task.pieces, JSON.stringify(pieces));
  const kills = [50 * MIB, 40 * MIB, 20 * MIB];
  for (const after of kills) {
    expect(await run(task, after)).toBeUndefined();
    expect(await readdir(join(task.dir, 'files'))).toEqual([]);
  }
  const result = await run(task);
  expect(result?.path).toBe(await (await openLocalStore({ dir: task.dir, reserveBytes: 0 })).find(task.artifact.file));
  const fetched = (await readFile(task.fetchLog, 'utf8')).split('\n').reduce((sum, line) => sum + Number(line), 0);
  expect(fetched - size).toBeLessThanOrEqual(kills.length * 64 * MIB);
  expect(result!.reusedBytes).toBeGreaterThan(0);
  expect(result!.reusedBytes + result!.fetchedBytes).toBeLessThan(size + MIB);
  expect(await readdir(join(task.dir, 'partial'))).toEqual([]);
}, 60_000);
