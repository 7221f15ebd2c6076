import { spawn, type ChildProcess } from 'node:child_process';
import { dirname, extname, join, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { COVER_AND_RUN, findFencing, MOUNT_NAMESPACES, NAMESPACES, type Fence, type Fencing } from './isolation.ts';

/** From source the child is TypeScript, which Node runs as it is; built, it is JavaScript. */
const ownFile = (name: string): string => join(import.meta.dirname, `${name}${extname(import.meta.filename)}`);

/** Starts the child that runs llama.cpp, fenced in as far as the platform allows, with an IPC channel and no output. */
export async function launchChild(fence: Fence): Promise<ChildProcess> {
  const fencing = await findFencing();
  const [program, ...args] = fenced(fencing, fence, [process.execPath, ...nodeFlags(fence), ownFile('child')]);
  return spawn(program, args, {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: environment(),
    serialization: 'json',
  });
}

type Command = readonly [string, ...string[]];

function fenced(fencing: Fencing, fence: Fence, command: Command): Command {
  const withoutDumps: Command = fencing.coreDump ? ['sh', '-c', 'ulimit -c 0; exec "$@"', '-', ...command] : command;
  if (!fencing.network) return withoutDumps;
  if (!fencing.folders || fence.hidden.length === 0) return ['unshare', ...NAMESPACES, ...withoutDumps];
  const folders = (paths: readonly string[]): string[] => [String(paths.length), ...paths];
  const shown = fence.readable.filter((path) => fence.hidden.some((hidden) => path.startsWith(hidden + sep)));
  const ids = [String(process.getuid?.() ?? 0), String(process.getgid?.() ?? 0)];
  const cover = ['sh', '-c', COVER_AND_RUN, '-', ...folders(fence.hidden), ...folders(shown), '--', ...ids];
  return ['unshare', ...MOUNT_NAMESPACES, ...cover, ...command];
}

function nodeFlags(fence: Fence): string[] {
  const readable = [packageFolder(), modulesFolder(), '/lib', '/lib64', '/usr/lib', ...fence.readable];
  const flags = ['--permission', '--allow-addons', '--import', pathToFileURL(ownFile('untried-binary')).href];
  return ['--no-warnings', ...flags, ...readable.map((path) => `--allow-fs-read=${path}`)];
}

/** This library's own folder, with its package.json. */
const packageFolder = (): string => join(import.meta.dirname, '..', '..');

function modulesFolder(): string {
  const entry = fileURLToPath(import.meta.resolve('node-llama-cpp'));
  const name = `${sep}node_modules${sep}`;
  return dirname(entry.slice(0, entry.indexOf(name) + name.length) + 'x');
}

/** None of the agent's own environment, which may hold keys. */
function environment(): NodeJS.ProcessEnv {
  const { PATH, SystemRoot, TMPDIR } = process.env;
  const kept = Object.entries({ PATH, SystemRoot, TMPDIR }).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(kept), LANG: 'C.UTF-8' };
}
