import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { claimFolder } from './files.ts';
import { holdDataFolder } from './lock.ts';

test('a second agent on the same data folder does not start, and one may when the first has ended', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'openward-lock-'));
  const first = holdDataFolder(dataDir);
  expect(() => holdDataFolder(dataDir)).toThrow('another agent runs');
  first.close();
  holdDataFolder(dataDir).close();
  rmSync(dataDir, { recursive: true });
});

test('a folder that was open is closed to others, and so is each file of the agent in it', () => {
  const parent = mkdtempSync(join(tmpdir(), 'openward-folder-'));
  const before = process.umask(0o022);
  onTestFinished(() => {
    process.umask(before);
    rmSync(parent, { recursive: true });
  });
  const dataDir = join(parent, 'node');
  mkdirSync(dataDir);
  chmodSync(dataDir, 0o755);
  claimFolder(dataDir);
  holdDataFolder(dataDir).close();
  expect([dataDir, join(dataDir, 'lock.db')].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o600]);
});
