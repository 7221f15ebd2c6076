import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { claimSocket } from './socket.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ow-'));
  vi.stubEnv('TMPDIR', folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const deep = (): string => {
  const dataDir = join(folder, 'd'.repeat(110));
  mkdirSync(dataDir);
  return dataDir;
};

test('N5 the socket stands in the data folder, or under a short name that a file there tells', () => {
  const near = join(folder, 'node');
  mkdirSync(near);
  expect(claimSocket(near)).toBe(join(near, 'agent.sock'));
  const far = deep();
  const path = claimSocket(far);
  expect(Buffer.byteLength(path)).toBeLessThanOrEqual(100);
  expect(readFileSync(join(far, 'socket'), 'utf8')).toBe(path);
});

test('a folder for short names that is open to others is not used', () => {
  const ours = join(folder, `openward-${process.getuid?.() ?? 0}`);
  mkdirSync(ours);
  chmodSync(ours, 0o777);
  const dataDir = deep();
  expect(() => claimSocket(dataDir)).toThrow('open to others');
  expect(existsSync(join(dataDir, 'socket'))).toBe(false);
});
