import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chown, mkdir, readFile, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { startChild, tail, type ServerChild } from './child.ts';
import { freePort } from './ports.ts';
import { type AwayFromRoot, findPostgres, type PostgresPrograms } from './postgres-programs.ts';
import { until } from './until.ts';

const USER = 'openward';

export interface PostgresOptions {
  /**
   * The cluster's folder, made at the first start. Password and log stand beside it. As root in a container that forbids
   * user namespaces, the cluster itself is kept under the temporary folder instead, by a name made from this path.
   */
  readonly dataDir: string;
  /** A free port of the loopback interface when left out. */
  readonly port?: number;
  /** For tests only: what was committed is lost when the machine stops, though not when PostgreSQL is killed. */
  readonly forgetful?: boolean;
  /** How to get away from root; tests name it. */
  readonly way?: AwayFromRoot;
}

export interface RunningPostgres {
  /** `postgres://…` of the database `postgres`, as a superuser. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** The cluster's folder, which is not always the one that was asked for. */
  readonly dataDir: string;
  /** Orderly; connections that are open are closed. */
  stop(): Promise<void>;
  /** As when the power fails. */
  kill9(): Promise<void>;
  log(): string;
}

/** The same server's address with another database in it. */
export function databaseUrl(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}

interface Cluster extends PostgresPrograms {
  readonly dataDir: string;
  readonly logFile: string;
  readonly passwordFile: string;
  readonly forgetful: boolean;
}

// The locale is fixed, so that text sorts alike on every machine.
const INITDB = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
const FORGETFUL = [
  'fsync=off',
  'synchronous_commit=off',
  'full_page_writes=off',
  'max_wal_senders=0',
  'wal_level=minimal',
];

/** Makes the cluster under another name first, so that one that was cut short is never taken for whole. */
async function initialise(cluster: Cluster): Promise<void> {
  const { prefix, initdb, dataDir, logFile, passwordFile, as, forgetful } = cluster;
  if (existsSync(join(dataDir, 'PG_VERSION'))) return;
  const draft = `${dataDir}.draft`;
  const draftPassword = `${draft}.password`;
  await rm(draft, { recursive: true, force: true });
  const password = randomBytes(18).toString('base64url');
  await writeFile(draftPassword, password, { mode: 0o600 });
  if (as) await chown(draftPassword, as.uid, as.gid);
  const args = [
    `--pgdata=${draft}`,
    `--username=${USER}`,
    `--pwfile=${draftPassword}`,
    '--auth=scram-sha-256',
    ...INITDB,
  ];
  const command = [...prefix, initdb, ...args, ...(forgetful ? ['--no-sync'] : [])];
  const child = startChild(command, { logFile, signal: 'TERM', ...as });
  await until(() => child.ended(), { within: 120_000, what: 'initdb' });
  await rm(draftPassword);
  if (child.exitCode() !== 0) throw new Error(`PostgreSQL's initdb failed\n${tail(child.log())}`);
  await writeFile(passwordFile, password, { mode: 0o600 });
  await rename(draft, dataDir);
}

/** Says at the place that was asked for where the cluster really is, for people and for whoever cleans up. */
async function leaveLink(place: string, asked: string): Promise<void> {
  await rm(asked, { force: true });
  await symlink(place, asked);
}

/** Removes a cluster that is not running, wherever it was kept. */
export async function removeCluster(dataDir: string): Promise<void> {
  const real = await realpath(dataDir).catch(() => dataDir);
  const all = [real, dataDir, `${dataDir}.log`, `${dataDir}.password`];
  await Promise.all(all.map((path) => rm(path, { recursive: true, force: true })));
}

/** PostgreSQL writes its process id and, last, `ready` into a file once it takes connections. */
function isReady(dataDir: string, pid: number): boolean {
  const file = join(dataDir, 'postmaster.pid');
  if (!existsSync(file)) return false;
  const lines = readFileSync(file, 'utf8').split('\n');
  return Number(lines[0]) === pid && lines[7]?.trim() === 'ready';
}

async function startOnce(cluster: Cluster, port: number): Promise<ServerChild> {
  const { prefix, postgres, dataDir, logFile, as, forgetful } = cluster;
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', ...(forgetful ? FORGETFUL : [])];
  const args = ['-D', dataDir, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
  const child = startChild([...prefix, postgres, ...args], { logFile, signal: 'INT', ...as });
  const settled = (): boolean => child.ended() || isReady(dataDir, child.pid);
  await until(settled, { within: 60_000, every: 10, what: 'PostgreSQL' }).catch(async (error: unknown) => {
    await child.end('SIGKILL');
    throw error;
  });
  return child;
}

// The server processes of a PostgreSQL that was killed live on for a moment, and a new one will not start beside them.
const REMAINS = 'pre-existing shared memory block';

async function startOn(cluster: Cluster, port: number): Promise<ServerChild> {
  const deadline = performance.now() + 20_000;
  let before = logLength(cluster);
  let child = await startOnce(cluster, port);
  while (child.ended() && child.log().slice(before).includes(REMAINS) && performance.now() < deadline) {
    await pause(100);
    before = logLength(cluster);
    child = await startOnce(cluster, port);
  }
  if (child.ended()) throw new Error(`PostgreSQL did not start on port ${port}\n${tail(child.log())}`);
  return child;
}

const logLength = ({ logFile }: Cluster): number => (existsSync(logFile) ? readFileSync(logFile, 'utf8').length : 0);

/**
 * Starts a real PostgreSQL on a cluster that is made when there is none. It listens on loopback only, with a password
 * that was made with the cluster, ends when this process ends (also by `kill -9`, on Linux with util-linux), and writes
 * everything durably unless it is asked to be forgetful.
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const programs = findPostgres(options.way);
  await mkdir(dirname(options.dataDir), { recursive: true });
  const place = programs.place(options.dataDir);
  const cluster: Cluster = {
    ...programs,
    dataDir: place,
    logFile: `${options.dataDir}.log`,
    passwordFile: `${options.dataDir}.password`,
    forgetful: options.forgetful ?? false,
  };
  await initialise(cluster);
  if (place !== resolve(options.dataDir)) await leaveLink(place, options.dataDir);
  const port = options.port ?? (await freePort());
  const child = await startOn(cluster, port);
  const password = await readFile(cluster.passwordFile, 'utf8');
  return {
    url: `postgres://${USER}:${password}@127.0.0.1:${port}/postgres`,
    port,
    pid: child.pid,
    dataDir: cluster.dataDir,
    stop: () => child.end('SIGINT'),
    kill9: () => child.end('SIGKILL'),
    log: () => child.log(),
  };
}
