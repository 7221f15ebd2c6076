import { existsSync, rmSync } from 'node:fs';
import { open, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { asRefusal, isMissing, syncFolder, unlessMissing } from './durable.fs.ts';
import { Refusal } from '@openward/contracts';

// N7: a file that only takes up room, to be given up when the disk is full.

const BLOCK = 1024 * 1024;

/** Not zeros, which some file systems store as nothing. */
function filling(): Uint8Array {
  const words = new Uint32Array(BLOCK / 4);
  let x = 2_463_534_242;
  for (let i = 0; i < words.length; i += 1) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    words[i] = x;
  }
  return new Uint8Array(words.buffer);
}

/** Bytes that this process may still write to the file system of `folder`. */
export async function freeSpaceOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** True when the reserve stands in full. */
export async function makeReserve(path: string, bytes: number): Promise<boolean> {
  const there = await unlessMissing(stat(path));
  if (there?.size === bytes) return true;
  if ((await freeSpaceOf(dirname(path))) < bytes) return false;
  try {
    const handle = await open(path, 'w', 0o600);
    try {
      const block = filling();
      for (let written = 0; written < bytes; written += BLOCK) {
        await handle.writeFile(block.subarray(0, Math.min(BLOCK, bytes - written)));
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await syncFolder(dirname(path));
    return true;
  } catch (error) {
    await rm(path, { force: true });
    const refusal = asRefusal(error);
    if (refusal instanceof Refusal) return false;
    throw error;
  }
}

export async function dropReserve(path: string): Promise<void> {
  try {
    await rm(path);
    await syncFolder(dirname(path));
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** Of a local store's folder. */
export const reserveIn = (dir: string): string => join(dir, 'reserve');
export const hasReserve = (dir: string): boolean => existsSync(reserveIn(dir));

/** Gives it up before this returns, for whoever cannot wait. False where there was none. */
export function giveUpReserve(dir: string): boolean {
  try {
    rmSync(reserveIn(dir));
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
