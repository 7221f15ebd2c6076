import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { holdDataFolder } from './lock.ts';

test('a second agent on the same data folder does not start, and one may when the first has ended', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'openward-lock-'));
  const first = holdDataFolder(dataDir);
  expect(() => holdDataFolder(dataDir)).toThrow('another agent runs');
  first.close();
  holdDataFolder(dataDir).close();
  rmSync(dataDir, { recursive: true });
});
