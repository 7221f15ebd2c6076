import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const NOT_OURS = new Set(['node_modules', 'dist', '.git', '.openward', '.cache', 'coverage']);

export interface Source {
  /** From the repository's root, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** Every TypeScript file below `folders`, tests among them. */
export function readSources(...folders: string[]): Source[] {
  return folders.flatMap((folder) => sourcesBelow(join(ROOT, folder)));
}

function sourcesBelow(folder: string): Source[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : sourcesBelow(path);
    if (!/\.tsx?$/.test(entry.name)) return [];
    return [{ path: relative(ROOT, path).replaceAll('\\', '/'), text: readFileSync(path, 'utf8') }];
  });
}

/** `libs/rollout` or `apps/cli`: the workspace that a file belongs to. */
export function workspaceOf(path: string): string {
  return path.split('/').slice(0, 2).join('/');
}

/** Files that exist for tests: they may use the testkit and vitest. */
export const isForTests = (path: string): boolean =>
  /\.(test|bench|fixture)\.tsx?$/.test(path) || /^apps\/[^/]+\/test\//.test(path) || path.startsWith('tests/');
