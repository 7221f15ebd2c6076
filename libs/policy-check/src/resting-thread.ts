import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';

/**
 * A thread for a policy, kept for the next one a moment after it has answered: to load what judges costs ten times a check. It holds
 * up no process that wants to end.
 */
export interface RestingThread {
  take(): Worker;
  /** Only of a thread that has answered, and has nothing left to do. */
  giveBack(thread: Worker): void;
}

export function createRestingThread(memoryMb: number, restMs: number): RestingThread {
  let resting: { readonly thread: Worker; readonly end: NodeJS.Timeout } | null = null;
  const forget = (thread: Worker): void => {
    if (resting?.thread === thread) resting = null;
  };
  const begin = (): Worker => {
    const thread = start(memoryMb);
    // What ends one that rests is nobody's loss.
    thread.on('error', () => undefined);
    thread.on('exit', () => forget(thread));
    return thread;
  };
  const end = (thread: Worker): void => {
    forget(thread);
    void thread.terminate();
  };
  return {
    take() {
      const thread = resting?.thread ?? begin();
      clearTimeout(resting?.end);
      resting = null;
      thread.ref();
      return thread;
    },
    giveBack(thread) {
      thread.unref();
      resting = { thread, end: setTimeout(() => end(thread), restMs).unref() };
    },
  };
}

function start(memoryMb: number): Worker {
  const extension = extname(import.meta.filename);
  return new Worker(new URL(`./policy-check.worker${extension}`, import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: memoryMb },
    // From source nothing may be built yet.
    ...(extension === '.ts' && { execArgv: ['--conditions=@openward/source'] }),
  });
}
