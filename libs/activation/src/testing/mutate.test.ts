import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MUTANTS } from './mutants.ts';

const SEEDS = 120;
const source = join(import.meta.dirname, '..');
// Inside the package, so that a copy finds what it imports.
const scratch = join(source, '..', '.cache');

let folder = '';
beforeAll(async () => {
  await mkdir(scratch, { recursive: true });
  folder = await mkdtemp(join(scratch, 'mutants-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the simulation finds each known bug', () => {
  it.each(MUTANTS.map((mutant) => [mutant.bug, mutant] as const))(
    '%s',
    async (_, { bug, file, from, to }) => {
      const copy = join(folder, bug.replaceAll(' ', '-'));
      await cp(source, copy, { recursive: true, filter: (name) => !name.endsWith('.test.ts') });
      const text = await readFile(join(copy, file), 'utf8');
      expect(text, `nothing to mutate in ${file}`).toContain(from);
      await writeFile(
        join(copy, file),
        text.replace(from, () => to),
      );
      const run = promisify(execFile)(process.execPath, [
        '--conditions=@openward/source',
        join(copy, 'testing', 'simulate.ts'),
        String(SEEDS),
      ]);
      await expect(run).rejects.toThrow(/seed \d+|which is not loaded|serves on|a journal entry/);
    },
    60_000,
  );
});
