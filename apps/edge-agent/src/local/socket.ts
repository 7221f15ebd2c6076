import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathsOf, writeSecretFile } from '../node/files.ts';

/** Linux takes 108 bytes, others fewer. */
const LONGEST_PATH = 100;

/** Where the local socket stands: in the data folder, or under a short name where that path is too long. Named in a file (N5). */
export function claimSocket(dataDir: string): string {
  const own = join(dataDir, 'agent.sock');
  const path = Buffer.byteLength(own) <= LONGEST_PATH ? own : shortPath(dataDir);
  if (existsSync(path)) rmSync(path);
  writeSecretFile(pathsOf(dataDir).socket, path);
  return path;
}

/** In a folder that is ours alone: somebody else who made it first would put a socket of his own there. */
function shortPath(dataDir: string): string {
  const folder = join(tmpdir(), `openward-${process.getuid?.() ?? 0}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(folder);
  if (
    !lstatSync(folder).isDirectory() ||
    (process.getuid !== undefined && uid !== process.getuid()) ||
    (mode & 0o077) !== 0
  )
    throw new Error(
      `the folder ${folder} belongs to somebody else or is open to others: remove it, or choose a data folder with a shorter path`,
    );
  return join(folder, `${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}.sock`);
}
