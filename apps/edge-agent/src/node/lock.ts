import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * One agent for a data folder: two would journal over each other. The lock is SQLite's own, on a file of its own, so the
 * operating system gives it up however the process ends. Throws when another process holds it.
 */
export function holdDataFolder(dataDir: string): DatabaseSync {
  const lock = new DatabaseSync(join(dataDir, 'lock.db'));
  try {
    lock.exec(
      'PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS held (by INTEGER); COMMIT;',
    );
    return lock;
  } catch (cause) {
    lock.close();
    throw new Error(`another agent runs on the data folder ${dataDir}: end it first`, { cause });
  }
}
