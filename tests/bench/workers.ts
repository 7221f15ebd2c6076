import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { peakOf } from './agent/memory.ts';

// What is measured runs in a process of its own, so that its memory and its event loop are its own. A worker answers
// questions by name: `answer({ ... })` in its file, `startWorker(file)` in the bench.

type Questions = Readonly<Record<string, (...given: never) => unknown>>;

interface Said {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

export interface Worker<Q extends Questions> {
  readonly pid: number;
  /** Rejects with the worker's own error, or when it ends first. */
  ask<N extends keyof Q & string>(name: N, ...given: Parameters<Q[N]>): Promise<Awaited<ReturnType<Q[N]>>>;
  /** As when the power fails; resolves when it is gone. */
  kill(): Promise<void>;
  end(): Promise<void>;
}

/** Under vitest nothing may be built yet, so the libraries' own sources are run. */
const CONDITIONS = process.env['VITEST'] === undefined ? [] : ['--conditions=@openward/source'];

export function startWorker<Q extends Questions>(file: URL, nodeArgs: readonly string[] = []): Worker<Q> {
  const child: ChildProcess = fork(file, [], { execArgv: [...CONDITIONS, ...nodeArgs] });
  const waiting = new Map<
    number,
    { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void }
  >();
  let asked = 0;
  const ended = once(child, 'exit');
  child.on('message', ({ id, result, error }: Said) => {
    const one = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) one?.resolve(result);
    else one?.reject(new Error(error));
  });
  child.on('exit', (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`a worker ended (${signal ?? code})`));
    waiting.clear();
  });
  return {
    pid: child.pid ?? -1,
    ask: (name, ...[argument]) =>
      new Promise((resolve, reject) => {
        asked += 1;
        waiting.set(asked, { resolve: resolve as (value: unknown) => void, reject });
        child.send({ id: asked, name, argument });
      }),
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
    async end() {
      if (child.exitCode === null && child.signalCode === null) child.disconnect();
      const patience = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(patience);
    },
  };
}

/** To be called once in a worker's file. The worker ends with the bench. */
export function answer<Q extends Questions>(questions: Q): Q {
  process.on('message', ({ id, name, argument }: { id: number; name: string; argument: never }) => {
    const said = async (): Promise<Said> => {
      try {
        return { id, result: await (questions[name] as ((argument: never) => unknown) | undefined)?.(argument) };
      } catch (error) {
        return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
      }
    };
    void said().then((message) => process.send?.(message));
  });
  process.once('disconnect', () => process.exit(0));
  return questions;
}

/**
 * The most memory that this process has had, in bytes. What `getrusage` tells is no use here: a process begins with the
 * peak of the one that forked it, and the bench holds whole models.
 */
export const peakMemory = (): number => peakOf(process.pid);
