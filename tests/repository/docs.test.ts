import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const PAGES = globSync(['*.md', 'docs/**/*.md', 'libs/*/*.md', 'apps/*/*.md', 'deploy/**/*.md', 'tests/**/*.md'], {
  cwd: ROOT,
  exclude: (path) => path.split('/').some((part) => part === 'node_modules' || part === 'dist'),
});

/** Links to somewhere in the repository, without their fragment. */
const relativeLinks = (text: string): string[] =>
  [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link]) => (link ?? '').split('#')[0] ?? '')
    .filter((link) => link !== '' && !/^[a-z]+:/.test(link));

/** Paths in code spans that begin in one of the repository's own folders. `<folder>/*` stands for all that is in it. */
const namedPaths = (text: string): string[] =>
  [...text.matchAll(/`((?:apps|libs|tests|deploy|docs|scripts)\/[\w./*-]+)`/g)].map(([, path]) => path ?? '');

const isThere = (path: string): boolean =>
  path.includes('*') ? globSync(path, { cwd: ROOT }).length > 0 : existsSync(join(ROOT, path));

describe('the documentation', () => {
  it('is read whole', () => {
    expect(PAGES).toEqual(expect.arrayContaining(['README.md', 'CHANGELOG.md', 'docs/architecture.md']));
    expect(namedPaths(read('docs/architecture.md')).length).toBeGreaterThan(50);
  });

  it.each(PAGES)('links in %s to what is there', (page) => {
    const broken = relativeLinks(read(page)).filter((link) => !existsSync(join(ROOT, dirname(page), link)));
    expect(broken).toEqual([]);
  });

  it.each(PAGES)('names in %s only files that are there', (page) => {
    // Made by a build, or by the commands that the page is about.
    const isMade = (path: string): boolean => path.includes('/dist/');
    expect(namedPaths(read(page)).filter((path) => !isMade(path) && !isThere(path))).toEqual([]);
  });

  it('names in docs/architecture.md functions that stand in the file beside which they stand', () => {
    const pairs = [...read('docs/architecture.md').matchAll(/`([\w.#]+)`\s+\(`((?:apps|libs)\/[\w./-]+\.ts)`/g)];
    expect(pairs.length).toBeGreaterThan(30);
    const lost = pairs.filter(([, name = '', path = '']) => !read(path).includes(name.split('.').at(-1) ?? ''));
    expect(lost.map(([whole]) => whole)).toEqual([]);
  });

  it('gives only commands that package.json has', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const wrong = PAGES.flatMap((page) =>
      [...read(page).matchAll(/\bnpm (?:run )?([a-z]+)\b/g)]
        .filter(([whole, name = '']) => whole.startsWith('npm run ') || name === 'test')
        .filter(([, name = '']) => !(name in scripts))
        .map(([whole]) => `${page}: ${whole}`),
    );
    expect(wrong).toEqual([]);
  });
});
