import { execFile } from 'node:child_process';
import { access, constants, readdir, realpath } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

import { cacheFolder, compareVersions } from '../../../../scripts/nats-server.mjs';

const run = promisify(execFile);
const PROGRAM = process.platform === 'win32' ? 'ollama.exe' : 'ollama';

export interface OllamaProgram {
  readonly path: string;
  /** As it says itself; `0.0.0` where it was built without one. */
  readonly version: string;
}

/** Where a version that was built here is kept. */
export const shelfOf = (version: string): string => join(cacheFolder(), `ollama-${version}`);

/**
 * Every Ollama at hand, each version once: those that OPENWARD_OLLAMA names (paths, separated as in PATH) first, then
 * those of the cache, newest first, then the one on the PATH. Fetches nothing.
 */
export async function findOllamas(): Promise<readonly OllamaProgram[]> {
  const named = (process.env['OPENWARD_OLLAMA'] ?? '').split(delimiter);
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, PROGRAM));
  const found = new Map<string, OllamaProgram>();
  for (const path of [...named, ...(await cached()), ...onPath]) {
    const program = await programAt(path);
    if (program !== undefined && !found.has(program.version)) found.set(program.version, program);
  }
  return [...found.values()];
}

/** The first of `findOllamas`, or the one of this version. */
export async function findOllama(version?: string): Promise<OllamaProgram | undefined> {
  return (await findOllamas()).find((program) => version === undefined || program.version === version);
}

async function cached(): Promise<readonly string[]> {
  const names = await readdir(cacheFolder()).catch(() => []);
  return names
    .filter((name) => /^ollama-\d+\.\d+\.\d+$/.test(name))
    .sort((a, b) => compareVersions(b.slice('ollama-'.length), a.slice('ollama-'.length)))
    .map((name) => join(cacheFolder(), name, PROGRAM));
}

async function programAt(path: string): Promise<OllamaProgram | undefined> {
  if (path === '' || path === PROGRAM) return undefined;
  try {
    await access(path, constants.X_OK);
    const { stdout, stderr } = await run(path, ['--version'], { timeout: 10_000, env: { HOME: '/nonexistent' } });
    const version = /version is (\d+\.\d+\.\d+)/.exec(stdout + stderr)?.[1];
    return version === undefined ? undefined : { path: await realpath(path), version };
  } catch {
    return undefined;
  }
}
