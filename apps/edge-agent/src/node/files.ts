import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Makes the data folder, or takes over one that is there: what this process writes into it nobody else may read, and a folder of ours
 * is closed to others. Somebody who could open the lock's file would keep an agent from starting.
 */
export function claimFolder(dataDir: string): void {
  process.umask(0o077);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  if (statSync(dataDir).uid === process.getuid?.()) chmodSync(dataDir, 0o700);
}

/** Replaces the file as a whole, durably, readable by its owner alone. */
export function writeSecretFile(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const next = `${path}.next`;
  const handle = openSync(next, 'w', 0o600);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(next, path);
  const folder = openSync(dirname(path), 'r');
  fsyncSync(folder);
  closeSync(folder);
}

export const readTextFile = (path: string): string | null => (existsSync(path) ? readFileSync(path, 'utf8') : null);

/** Where everything of a node stands, below its data folder. */
export const pathsOf = (dataDir: string) => ({
  database: join(dataDir, 'node.db'),
  identity: join(dataDir, 'keys', 'identity.seed'),
  control: join(dataDir, 'keys', 'control.seed'),
  bulk: join(dataDir, 'keys', 'bulk.seed'),
  enrolment: join(dataDir, 'enrolment.json'),
  store: join(dataDir, 'store'),
  runtimeKeys: join(dataDir, 'runtime-keys.json'),
  /** Holds the path of the local socket, which may have to be short (108 characters on Linux). */
  socket: join(dataDir, 'socket'),
  gateway: join(dataDir, 'gateway.json'),
});
