import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import type { PromptPolicy } from '@openward/contracts';
import type { PolicyFinding } from '@openward/policy';
import { UsageError } from '../usage-error.ts';

// The one place where a policy's folder meets the disk. What stands in its files is the library's to judge.

/** As the largest file of a policy; a longer one is not read at all. */
const MOST_BYTES = 1024 * 1024;

export type ReadFolder =
  | { readonly kind: 'ok'; readonly document: unknown }
  | { readonly kind: 'refused'; readonly findings: readonly PolicyFinding[] };

export const isFolder = (path: string): boolean => lstatOf(path)?.isDirectory() === true;

/**
 * Where a folder or a policy's id may be given: only a path names a folder (`./triage`), so that what happens to lie in the working
 * directory is never taken for what is registered.
 */
export const namesFolder = (name: string): boolean =>
  name.includes('/') || name.includes(sep) || /^\.{1,2}$/.test(name);

/** The document in a folder, not checked yet. Names that begin with a dot are left alone: they are no part of a policy. */
export async function readPolicyDir(dir: string): Promise<ReadFolder> {
  const { readPolicyFolder } = await import('@openward/policy');
  if (!isFolder(dir)) {
    const why = lstatOf(dir) ? 'is no folder' : 'is not there';
    throw new UsageError(`${dir} ${why}.`, 'Name the folder of a policy; `openward policy init DIR` makes one.');
  }
  const names = readdirSync(dir).filter((name) => !name.startsWith('.'));
  return readPolicyFolder(Object.fromEntries(names.map((name) => [name, textOf(join(dir, name))])));
}

/** Makes the folder where it is not there. One that has anything in it is left as it is. */
export async function writePolicyDir(dir: string, policy: PromptPolicy): Promise<readonly string[]> {
  const { writePolicyFolder } = await import('@openward/policy');
  const there = lstatOf(dir);
  if (there && !there.isDirectory())
    throw new UsageError(`${dir} is no folder.`, 'Name one that is empty, or not there.');
  if (there && readdirSync(dir).length > 0)
    throw new UsageError(`${dir} is not empty, and nothing in it is written over.`, 'Name another folder.');
  mkdirSync(dir, { recursive: true });
  return Object.entries(writePolicyFolder(policy)).map(([name, text]) => {
    const path = join(dir, name);
    writeFileSync(path, text, { flag: 'wx' });
    return path;
  });
}

const lstatOf = (path: string): ReturnType<typeof lstatSync> | undefined => lstatSync(path, { throwIfNoEntry: false });

/** Regular files alone: a link could lead anywhere, and a pipe never ends. */
function textOf(path: string): string {
  const found = lstatOf(path);
  if (!found?.isFile())
    throw new UsageError(`${path} is no regular file.`, 'Keep nothing but the files of the policy there.');
  if (found.size > MOST_BYTES)
    throw new UsageError(`${path} is larger than 1 MiB.`, 'A policy is read by people: make it shorter.');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(path));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(`${path} is no text in UTF-8.`, 'Save it as UTF-8.');
  }
}
