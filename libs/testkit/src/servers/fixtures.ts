import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

import pg from 'pg';

import { isRunning } from './child.ts';
import { databaseUrl, removeCluster, startPostgres } from './postgres.ts';

// One cluster serves a whole test process; a database of its own for each test costs 20 to 40 ms. The test command starts
// one for all its processes and names it in OPENWARD_TEST_POSTGRES.
const SHELF = join(tmpdir(), `openward-test-postgres-${userInfo().username}`);

/** Test processes that were killed could not clean up, so the next one does. */
async function sweep(): Promise<void> {
  await mkdir(SHELF, { recursive: true, mode: 0o700 });
  for (const name of await readdir(SHELF)) {
    if (isRunning(Number(name))) continue;
    await removeCluster(join(SHELF, name, 'data'));
    await rm(join(SHELF, name), { recursive: true, force: true });
  }
}

let cluster: Promise<string> | undefined;

/** The address of this test process's own PostgreSQL, started at the first call. It ends with the process. */
export function testPostgres(): Promise<string> {
  const shared = process.env['OPENWARD_TEST_POSTGRES'];
  if (shared) return Promise.resolve(shared);
  cluster ??= (async () => {
    await sweep();
    const { url } = await startPostgres({ dataDir: join(SHELF, String(process.pid), 'data'), forgetful: true });
    return url;
  })();
  return cluster;
}

async function asAdmin<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: await testPostgres() });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** What every database starts from, made once in each cluster: migrations, say. */
export interface DatabaseTemplate {
  /** Part of the template's name: change it with the content, or use a hash of it. */
  readonly name: string;
  /** Fills the empty database at `url`, and closes every connection to it. */
  readonly prepare: (url: string) => Promise<void>;
}

export interface TestDatabase {
  readonly url: string;
  readonly name: string;
  /** Removes the database, also under connections that are still open. */
  drop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const quoted = (name: string): string => pg.escapeIdentifier(name);

// Two processes can want the same template of the shared cluster at once: one makes it, the other waits for the lock.
const TEMPLATE_LOCK = 7_021_116;

async function ensureTemplate({ name, prepare }: DatabaseTemplate): Promise<string> {
  const template = `template_${name}`;
  await asAdmin(async (client) => {
    await client.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK]);
    const known = await client.query('select 1 from pg_database where datname = $1', [template]);
    if (known.rowCount) return;
    const draft = `${template}_${randomBytes(4).toString('hex')}`;
    await client.query(`create database ${quoted(draft)}`);
    await prepare(databaseUrl(await testPostgres(), draft));
    await client.query(`alter database ${quoted(draft)} rename to ${quoted(template)}`);
  });
  return template;
}

const templates = new Map<string, Promise<string>>();

/**
 * A fresh database of the test process's PostgreSQL, empty or a copy of `template`.
 *
 *     await using database = await withDatabase();
 */
export async function withDatabase(template?: DatabaseTemplate): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  if (template && !templates.has(template.name)) templates.set(template.name, ensureTemplate(template));
  const from = template ? await templates.get(template.name) : 'template0';
  await asAdmin((client) => client.query(`create database ${quoted(name)} template ${quoted(from ?? 'template0')}`));
  const drop = async (): Promise<void> => {
    await asAdmin((client) => client.query(`drop database if exists ${quoted(name)} with (force)`));
  };
  return { url: databaseUrl(await testPostgres(), name), name, drop, [Symbol.asyncDispose]: drop };
}
