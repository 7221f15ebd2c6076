import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { startChild, tail } from '../servers/child.ts';
import { freePort } from '../servers/ports.ts';
import { until } from '../servers/until.ts';
import { findOllama, type OllamaProgram } from './find.ts';

export interface OllamaOptions {
  /** A folder of its own, made when it is missing: holds its models, its key and its log. */
  readonly dir: string;
  /** A free port when left out. */
  readonly port?: number;
  /** The first of `findOllamas` when left out. */
  readonly program?: OllamaProgram;
  /** Requests that it answers at once for each model. */
  readonly parallel?: number;
}

export interface RunningOllama {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly version: string;
  readonly modelsFolder: string;
  /** Orderly. */
  stop(): Promise<void>;
  /** As when the power fails: the server and the processes that run its models. */
  kill9(): Promise<void>;
  /** Only the processes that run its models, as when one of them crashes. */
  killRunners(): Promise<void>;
  log(): string;
}

/**
 * Starts a real Ollama that shares nothing with another one on this machine, reaches no cloud, and neither unloads a
 * model nor throws away a file by itself. It ends with this process. Throws where there is none, or it does not start.
 */
export async function startOllama(options: OllamaOptions): Promise<RunningOllama> {
  const program = options.program ?? (await findOllama());
  if (program === undefined) throw new Error(`${NO_OLLAMA}: node libs/testkit/src/ollama/install.ts builds one.`);
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const modelsFolder = join(options.dir, 'models');
  await mkdir(modelsFolder, { recursive: true, mode: 0o700 });
  const env = environment(options.dir, modelsFolder, url, options.parallel ?? 4);
  const command = [program.path, 'serve'];
  const child = startChild(command, {
    logFile: join(options.dir, 'ollama.log'),
    signal: 'TERM',
    env,
    cwd: options.dir,
  });
  const answering = async (): Promise<boolean> => {
    if (child.ended()) throw new Error(`Ollama did not start on port ${port}\n${tail(child.log())}`);
    const response = await fetch(`${url}/api/version`).catch(() => undefined);
    return response?.ok ?? false;
  };
  await until(answering, { within: 30_000, what: `Ollama ${program.version} on port ${port}` });
  return {
    url,
    port,
    pid: child.pid,
    version: program.version,
    modelsFolder,
    stop: () => child.end('SIGTERM'),
    kill9: async () => {
      const runners = await childrenOf(child.pid);
      await child.end('SIGKILL');
      for (const pid of runners) killIfThere(pid);
    },
    killRunners: async () => {
      for (const pid of await childrenOf(child.pid)) killIfThere(pid);
    },
    log: () => child.log(),
  };
}

/** Why a test that needs an Ollama was left out. */
export const NO_OLLAMA = 'No Ollama at hand (OPENWARD_OLLAMA, the cache folder, PATH)';

/** Nothing of this process's environment but the PATH: a proxy or a key in it is none of Ollama's business. */
const environment = (dir: string, models: string, url: string, parallel: number): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  HOME: dir,
  OLLAMA_HOST: url,
  OLLAMA_MODELS: models,
  OLLAMA_NO_CLOUD: '1',
  OLLAMA_NOPRUNE: '1',
  OLLAMA_NOHISTORY: '1',
  OLLAMA_KEEP_ALIVE: '-1',
  OLLAMA_MAX_LOADED_MODELS: '16',
  OLLAMA_NUM_PARALLEL: String(parallel),
});

/** The runners, which an Ollama that is killed leaves behind. A thread starts them, so every thread's children count. */
async function childrenOf(pid: number): Promise<readonly number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const listed = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => '')),
  );
  return listed.join(' ').split(' ').filter(Boolean).map(Number);
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
