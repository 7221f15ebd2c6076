import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';

import type { ModelFile } from '../port.ts';
import { RuntimeRefusal } from '../refusal.ts';

const digests = new Map<string, { readonly identity: string; readonly digest: string }>();

/**
 * The digest of the bytes at this path, from the bytes themselves (N8). A file that is the same as before by device,
 * inode, size and both times is not read again.
 */
export async function digestOf(path: string): Promise<string> {
  const file = await openModel(path);
  try {
    const identity = await identityOf(file);
    const known = digests.get(path);
    if (known?.identity === identity) return known.digest;
    const hash = createHash('sha256');
    for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: 1 << 20 })) {
      hash.update(chunk as Buffer);
    }
    const digest = `sha256:${hash.digest('hex')}`;
    if ((await identityOf(file)) !== identity) throw changed(path);
    digests.set(path, { identity, digest });
    return digest;
  } finally {
    await file.close();
  }
}

/** Opens by `use` the very bytes that the digest names: they are the same before and after, or it is refused. */
export async function withVerified<Opened>(file: ModelFile, use: (path: string) => Promise<Opened>): Promise<Opened> {
  const digest = await digestOf(file.path);
  if (digest !== file.digest) {
    throw new RuntimeRefusal('digestMismatch', `The file holds ${digest}, not ${file.digest}; fetch it again.`);
  }
  const opened = await use(file.path);
  if ((await digestOf(file.path)) !== digest) throw changed(file.path);
  return opened;
}

async function openModel(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (cause) {
    throw new RuntimeRefusal('modelNotLoadable', `The model's file cannot be opened (${codeOf(cause)}).`, { cause });
  }
}

async function identityOf(file: FileHandle): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await file.stat({ bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

const changed = (path: string): RuntimeRefusal =>
  new RuntimeRefusal('digestMismatch', `The file ${path} changed while it was read; nothing else may write to it.`);

const codeOf = (cause: unknown): string =>
  cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'unknown';
