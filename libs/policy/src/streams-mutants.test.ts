import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// Known bugs, put one at a time into a copy of the library: the property of streams that does not find them is worth nothing.

interface Mutant {
  readonly bug: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const MUTANTS: readonly Mutant[] = [
  {
    bug: 'one character too few is held back',
    file: 'window.ts',
    from: 'folded.length - needed + 1;',
    to: 'folded.length - needed + 2;',
  },
  {
    bug: 'what stands before a place is forgotten',
    file: 'window.ts',
    from: ' - ready.finder.before)',
    to: ')',
  },
  {
    bug: 'what a match is behind its end is not waited for, and an accent belongs to it',
    file: 'window.ts',
    from: 'Math.max(after, 1)',
    to: 'after',
  },
  {
    bug: 'what may match is asked without what stands before',
    file: 'may-match.ts',
    from: 'readFrom - back)',
    to: 'readFrom)',
  },
  {
    bug: 'a word that begins with another letter than the table has is looked for',
    file: 'word-table.ts',
    from: 'if (known !== 0) lookUp',
    to: 'if (known === 0) lookUp',
  },
  {
    bug: 'a match that overlaps another hides nothing more',
    file: 'spans.ts',
    from: 'hidden = Math.max(hidden, end);',
    to: '',
  },
];

const ROOT = join(import.meta.dirname, '..', '..', '..');
const RUN = `import { checkStreams, generatedRules } from './streams.fixture.ts';
import { regex, ruleOf } from './testing.ts';
checkStreams({ rules: [ruleOf('short', regex('[bce]'))], replies: 50, ways: 25 }, 1);
for (const [at, rules] of generatedRules(5, 60).entries()) checkStreams({ rules, replies: 10, ways: 25 }, at);`;

let folder: string;
beforeAll(async () => {
  await mkdir(join(ROOT, '.cache'), { recursive: true });
  // Inside the repository, so that a copy finds what it imports.
  folder = await mkdtemp(join(ROOT, '.cache', 'policy-mutants-'));
  await cp(import.meta.dirname, folder, { recursive: true, filter: (name) => !name.endsWith('.test.ts') });
  await writeFile(join(folder, 'run.ts'), RUN);
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What the property says of the copy as it is. */
const judge = (): Promise<string> =>
  promisify(execFile)(process.execPath, ['--conditions=@openward/source', join(folder, 'run.ts')], {
    timeout: 60_000,
  }).then(
    () => 'holds',
    ({ stderr }: { readonly stderr: string }) => stderr,
  );

describe('the property of streams', { timeout: 120_000 }, () => {
  it('holds of the library as it is', async () => {
    expect(await judge()).toBe('holds');
  });

  it.each(MUTANTS)('finds the bug: $bug', async ({ file, from, to }) => {
    const path = join(folder, file);
    const text = await readFile(path, 'utf8');
    expect(text.split(from)).toHaveLength(2);
    await writeFile(path, text.replace(from, to));
    try {
      expect(await judge()).toMatch(/(?:in pieces|whole): \{/);
    } finally {
      await writeFile(path, text);
    }
  });
});
