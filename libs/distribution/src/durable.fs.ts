import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Digest, Refusal } from '@openward/contracts';

// What both stores do with files. A path is built from a checked digest and a fixed word, so none can leave its folder.

/** The hexadecimal part. Throws on anything but a digest, since nothing else may become a path. */
export function hexOf(digest: Digest): string {
  return Digest.parse(digest).slice('sha256:'.length);
}

/** The digest that a file's name stands for, or undefined for any other file. */
export function digestOfName(name: string): Digest | undefined {
  const parsed = Digest.safeParse(`sha256:${name}`);
  return parsed.success ? parsed.data : undefined;
}

export const pathOf = (folder: string, digest: Digest, suffix: '' | '.part' | '.journal' = ''): string =>
  join(folder, `${hexOf(digest)}${suffix}`);

/** A full disk as a refusal; every other error as it is. */
export function asRefusal(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new Refusal('diskFull', 'There is no space left in the data folder.', { cause: error });
}

export const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** Undefined in the place of what is not there. */
export async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Makes the names in a folder durable. Windows has no such call, and does it by itself. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
}

/** Whole under its name, and durable, or not there: written beside, synced, renamed, and the folder synced. */
export async function writeDurably(beside: string, path: string, bytes: Uint8Array): Promise<void> {
  try {
    const handle = await open(beside, 'wx', 0o600);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, path);
    await syncFolder(join(path, '..'));
  } catch (error) {
    await rm(beside, { force: true });
    throw asRefusal(error);
  }
}
