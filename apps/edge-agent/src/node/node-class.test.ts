import { tmpdir } from 'node:os';
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
