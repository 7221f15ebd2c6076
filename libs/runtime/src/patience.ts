import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import type { LoadRequest } from './port.ts';
import { RuntimeRefusal } from './refusal.ts';
import { abortedBy } from './slots.ts';

/** Milliseconds that a load of so many bytes may take before it is ended. */
export type Patience = (bytes: number) => number;

/** Two minutes, and what reading takes at 10 MB a second: a load that is only slow, on a full machine, is let be. */
export const PATIENCE: Patience = (bytes) => 120_000 + bytes / 10_000;

/** For the files of this set, as large as they are on the disk. One that is not there is for the load itself to refuse. */
export async function patienceFor(files: Pick<LoadRequest, 'base' | 'adapter'>, patience: Patience): Promise<number> {
  const paths = [files.base.path, ...(files.adapter === undefined ? [] : [files.adapter.path])];
  const sizes = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return Math.min(2 ** 31 - 1, patience(sizes.reduce((sum, size) => sum + size, 0)));
}

/**
 * Waits for `work` no longer than this, nor beyond the caller's signal, and rejects with `runtimeFailed` or `aborted` then.
 * `end` stops what was being done; it is called once, and only then.
 */
export async function inTime<Result>(
  milliseconds: number,
  work: Promise<Result>,
  end: () => void,
  signal?: AbortSignal,
): Promise<Result> {
  const isOver = new AbortController();
  const stopped = new Promise<never>((_, reject) => {
    const stop = (refusal: RuntimeRefusal): void => {
      isOver.abort();
      // First, since the end makes the work fail in its own words.
      reject(refusal);
      end();
    };
    delay(milliseconds, undefined, { signal: isOver.signal }).then(
      () => stop(tooLong(milliseconds)),
      () => undefined,
    );
    if (signal?.aborted === true) stop(abortedBy(signal));
    else signal?.addEventListener('abort', () => stop(abortedBy(signal)), { once: true, signal: isOver.signal });
  });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    isOver.abort();
    // Nobody waits for it any more.
    work.catch(() => undefined);
  }
}

/** The caller waits no longer once it has aborted; the work goes on without it. */
export async function unlessAborted<Result>(work: Promise<Result>, signal?: AbortSignal): Promise<Result> {
  if (signal === undefined) return work;
  const isOver = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(abortedBy(signal));
    signal.addEventListener('abort', () => reject(abortedBy(signal)), { once: true, signal: isOver.signal });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    isOver.abort();
    work.catch(() => undefined);
  }
}

/** Throws `aborted` where the caller has gone. */
export function assertWanted(signal?: AbortSignal): void {
  if (signal?.aborted === true) throw abortedBy(signal);
}

const tooLong = (milliseconds: number): RuntimeRefusal =>
  new RuntimeRefusal(
    'runtimeFailed',
    `It did not load within ${Math.round(milliseconds / 1000)} s and was ended; look at the disk and what else runs.`,
  );
