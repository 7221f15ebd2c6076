import type { FileHandle } from 'node:fs/promises';

// Writes to one file, one call of the system at a time. A file takes no two at once anyway, and those that wait for it keep a
// processor spinning and a thread of Node's pool (there are four) from hashing. What comes meanwhile goes out together.

interface Waiting {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly done: (failure?: { readonly error: unknown }) => void;
}

/** Of one call, so that nobody waits long for a neighbour. */
const MOST_TOGETHER = 16;

/** Resolves when the bytes stand in the file; rejects as the call did in which they were. */
export type WriteAt = (bytes: Uint8Array, offset: number) => Promise<void>;

export function gatherWrites(handle: Pick<FileHandle, 'write' | 'writev'>): WriteAt {
  let waiting: Waiting[] = [];
  let isWriting = false;

  async function writeWaiting(): Promise<void> {
    isWriting = true;
    while (waiting.length > 0) {
      const batch = waiting.toSorted((a, b) => a.offset - b.offset);
      waiting = [];
      for (const run of runsOf(batch)) {
        const failure = await writeRun(handle, run).then(
          () => undefined,
          (error: unknown) => ({ error }),
        );
        for (const { done } of run) done(failure);
      }
    }
    isWriting = false;
  }

  return (bytes, offset) =>
    new Promise((resolve, reject) => {
      const done: Waiting['done'] = (failure) => (failure ? reject(failure.error as Error) : resolve());
      waiting.push({ offset, bytes, done });
      if (!isWriting) void writeWaiting();
    });
}

/** Runs of neighbours, from writes in the order of the file. */
function* runsOf(batch: readonly Waiting[]): Generator<readonly Waiting[]> {
  let run: Waiting[] = [];
  for (const one of batch) {
    const last = run.at(-1);
    if (last && (last.offset + last.bytes.length !== one.offset || run.length === MOST_TOGETHER)) {
      yield run;
      run = [];
    }
    run.push(one);
  }
  if (run.length > 0) yield run;
}

async function writeRun(handle: Pick<FileHandle, 'write' | 'writev'>, run: readonly Waiting[]): Promise<void> {
  const start = run[0]!.offset;
  const { bytesWritten } = await handle.writev(
    run.map(({ bytes }) => bytes),
    start,
  );
  // A call may take less than it was given.
  const end = start + bytesWritten;
  for (const { offset, bytes } of run) {
    for (let from = Math.max(0, end - offset); from < bytes.length;) {
      const rest = await handle.write(bytes, from, bytes.length - from, offset + from);
      from += rest.bytesWritten;
    }
  }
}
