import { createHash } from 'node:crypto';
import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Digest } from '@openward/contracts';
import { asRefusal, syncFolder, unlessMissing } from './durable.fs.ts';
import { gatherWrites } from './gathered-writes.fs.ts';
import { decodeJournal, encodeEntry } from './journal.ts';
import type { ArtifactLayout, TargetFile } from './ports.ts';
import { followFile } from './prefix-digest.ts';

export interface TargetPaths {
  readonly part: string;
  readonly journal: string;
  readonly whole: string;
}

const READ_SIZE = 1024 * 1024;
/** Below this, reading the file again takes less than a thread. */
const FOLLOWED_SIZE = 64 * 1024 * 1024;

/** Fills `into` from the file; short only where the file ends. */
export async function readAll(handle: FileHandle, into: Uint8Array, offset: number): Promise<number> {
  let read = 0;
  while (read < into.length) {
    const { bytesRead } = await handle.read(into, read, into.length - read, offset + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return read;
}

/** Digest of a file as it stands on disk. Memory: one buffer. */
export async function digestOfHandle(handle: FileHandle, signal?: AbortSignal): Promise<Digest> {
  const hash = createHash('sha256');
  const buffer = new Uint8Array(READ_SIZE);
  for (let offset = 0; ;) {
    signal?.throwIfAborted();
    const read = await readAll(handle, buffer, offset);
    if (read === 0) return `sha256:${hash.digest('hex')}`;
    hash.update(buffer.subarray(0, read));
    offset += read;
  }
}

/** Opens what an earlier run left, or starts anew. The handles are the caller's until `commit`, `close` or `discard`. */
export async function openTarget(paths: TargetPaths, layout: ArtifactLayout, onEnd: () => void): Promise<TargetFile> {
  const { chunks, manifest } = layout;
  const folder = dirname(paths.part);
  const earlier = await unlessMissing(open(paths.part, 'r+'));
  const part = earlier ?? (await open(paths.part, 'wx+', 0o600));
  let journal: FileHandle | undefined;
  try {
    const told = earlier ? await unlessMissing(readFile(paths.journal, 'latin1')) : undefined;
    const { done, bytes } = decodeJournal(told ?? '', chunks.length);
    await part.truncate(manifest.size);
    await part.sync();
    journal = await open(paths.journal, 'a', 0o600);
    await journal.truncate(bytes);
    await journal.sync();
    await syncFolder(folder);
    return createTarget(paths, layout, part, journal, done, onEnd);
  } catch (error) {
    await part.close();
    await journal?.close();
    throw asRefusal(error);
  }
}

function createTarget(
  paths: TargetPaths,
  { chunks, manifest }: ArtifactLayout,
  part: FileHandle,
  journal: FileHandle,
  done: Set<number>,
  onEnd: () => void,
): TargetFile {
  const writeAt = gatherWrites(part);
  let unsynced: number[] = [];
  let verified = false;
  let follower = manifest.size < FOLLOWED_SIZE ? undefined : followFile(paths.part);
  const written = new Set(done);
  /** Chunks from the start that are written without a gap. */
  let prefix = 0;
  let isOpen = true;
  let queue: Promise<unknown> = Promise.resolve();
  /** One after the other, so that a journal entry never overtakes the sync before it. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = queue.then(work, work).catch((error: unknown) => {
      throw asRefusal(error);
    });
    // Whoever asked is told; the next in line is not held up.
    queue = turn.catch(() => undefined);
    return turn;
  };
  const append = async (entry: string): Promise<void> => {
    await journal.appendFile(entry);
    await journal.datasync();
  };
  const advance = (): void => {
    while (written.has(prefix)) prefix += 1;
    follower?.advance(chunks[prefix]?.offset ?? manifest.size);
  };
  const stopFollowing = async (): Promise<void> => {
    await follower?.stop();
    follower = undefined;
  };
  advance();
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await queue;
    await stopFollowing();
    await Promise.all([part.close(), journal.close()]);
    onEnd();
  };
  return {
    done,
    async write(index, bytes) {
      const chunk = chunks[index];
      if (chunk?.size !== bytes.length) throw new Error(`chunk ${index} does not have ${bytes.length} bytes`);
      verified = false;
      if (written.has(index)) await stopFollowing();
      try {
        await writeAt(bytes, chunk.offset);
      } catch (error) {
        throw asRefusal(error);
      }
      unsynced.push(index);
      written.add(index);
      advance();
    },
    async read(index) {
      const { offset, size } = chunks[index]!;
      const bytes = new Uint8Array(size);
      return bytes.subarray(0, await readAll(part, bytes, offset));
    },
    sync: () =>
      inTurn(async () => {
        // When the sync fails, nobody knows what of the batch is on disk: it is not written again, and so not done.
        const batch = unsynced;
        unsynced = [];
        if (batch.length === 0) return;
        await part.datasync();
        await append(encodeEntry({ kind: 'done', indices: batch }));
        for (const index of batch) done.add(index);
      }),
    forget: (indices) =>
      inTurn(async () => {
        if (indices.length === 0) return;
        await append(encodeEntry({ kind: 'forgotten', indices }));
        for (const index of indices) done.delete(index);
      }),
    async digest(signal) {
      const followed = await follower?.finish(manifest.size);
      await stopFollowing();
      const digest = followed ?? (await digestOfHandle(part, signal));
      verified = digest === manifest.file;
      return digest;
    },
    async commit() {
      if (!verified) throw new Error('a file gets its name only after its digest was found right');
      await close();
      try {
        await rename(paths.part, paths.whole);
        await syncFolder(dirname(paths.whole));
        await rm(paths.journal, { force: true });
        await syncFolder(dirname(paths.part));
      } catch (error) {
        throw asRefusal(error);
      }
      return paths.whole;
    },
    close,
    async discard() {
      await close();
      await rm(paths.journal, { force: true });
      await rm(paths.part, { force: true });
    },
  };
}
