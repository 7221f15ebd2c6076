import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { NodeClass } from '@openward/contracts';
import { expect, test } from 'vitest';
import { readConfig } from '../config.ts';
import { nodeClass } from './node-class.ts';

const runtime = { kind: 'llamaCpp', version: '1', knownSafe: true, tested: true, isolation: [] } as const;

test.each([
  [1, 1],
  [4, 4],
  [5, 4],
  [6, 4],
  [8, 8],
])('P6 a node that gives its runtime %i GiB is never told as more than it gives: %i', (memoryGiB, told) => {
  const config = readConfig(tmpdir());
  expect(nodeClass({ ...config, runtime: { ...config.runtime, memoryGiB } }, runtime).memoryGiB).toBe(told);
});

test('P6 the disk is told as a power of two of GiB that it has, and its free share to 5 %', () => {
  const { diskGiB, diskFreePercent } = nodeClass(readConfig(tmpdir()), runtime);
  const { bsize, blocks, bavail } = statfsSync(tmpdir());
  expect(Number.isInteger(Math.log2(diskGiB))).toBe(true);
  expect(diskGiB).toBeLessThanOrEqual(Math.max(1, (bsize * blocks) / 2 ** 30));
  expect(diskGiB * 2).toBeGreaterThan((bsize * blocks) / 2 ** 30);
  expect(diskFreePercent / 100).toBeLessThanOrEqual(bavail / blocks + 0.05);
});

test.each([
  ['llamaCpp', 3, 1],
  ['ollama', 1, 1],
  ['ollama', 3, 3],
  ['ollama', 20, 8],
] as const)(
  'P6 a node on %s with %i Ollamas tells of %i runtimes, and what it tells is a report',
  (kind, urls, told) => {
    const config = readConfig(tmpdir());
    const ollamaUrls = Array.from({ length: urls }, (_, at) => `http://127.0.0.1:${11434 + at}`);
    const made = nodeClass({ ...config, runtime: { ...config.runtime, kind, ollamaUrls } }, { ...runtime, kind });
    expect(made.runtimeServers).toBe(told);
    expect(NodeClass.parse(made)).toEqual(made);
  },
);
