import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { isRunning } from './child.ts';
import { withDatabase } from './fixtures.ts';
import { startPostgres, removeCluster } from './postgres.ts';
import type { AwayFromRoot } from './postgres-programs.ts';
import { until } from './until.ts';

async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}

// As root there are two ways to run it, and a machine may allow only the second.
const ways: (AwayFromRoot | undefined)[] = process.getuid?.() === 0 ? ['namespace', 'copy'] : [undefined];

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'openward-postgres-test-'));
  await chmod(dir, 0o700);
});
afterEach(async () => {
  await removeCluster(join(dir, 'data'));
  await rm(dir, { recursive: true, force: true });
});

describe.each(ways)('a PostgreSQL under a folder that only its owner may enter (%s)', (way) => {
  const options = (): Parameters<typeof startPostgres>[0] => ({ dataDir: join(dir, 'data'), ...(way && { way }) });

  it('starts as PostgreSQL 18, durable, and keeps what was committed over a kill', async () => {
    const first = await startPostgres(options());
    expect(await ask(first.url, 'show fsync')).toEqual([{ fsync: 'on' }]);
    expect((await ask(first.url, 'select version()'))[0]?.['version']).toMatch(/^PostgreSQL 18\./);
    await ask(first.url, 'create table kept as select 42 as answer');
    await first.kill9();

    const second = await startPostgres(options());
    expect(await ask(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
    await second.stop();
    expect(isRunning(second.pid)).toBe(false);
  });

  it('says why it did not start when another one runs on the same folder', async () => {
    const first = await startPostgres(options());
    await expect(startPostgres(options())).rejects.toThrow(/lock file .* already exists/);
    await first.stop();
  });
});

it.runIf(process.platform === 'linux')('ends when the process that started it is killed', async () => {
  const script = `
    import { startPostgres } from ${JSON.stringify(new URL('./postgres.ts', import.meta.url).href)};
    console.log((await startPostgres({ dataDir: process.argv[1], forgetful: true })).pid);
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', script, join(dir, 'data')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(said.toString());
  expect(isRunning(pid)).toBe(true);
  parent.kill('SIGKILL');
  await until(() => !isRunning(pid), { within: 20_000, what: 'the end of PostgreSQL' });
});

it('gives each test an empty database of its own', async () => {
  await using first = await withDatabase();
  await using second = await withDatabase();
  await ask(first.url, 'create table only_here (id int)');
  expect(await ask(second.url, "select to_regclass('only_here') as found")).toEqual([{ found: null }]);
});

it('copies a template that was prepared once', async () => {
  let prepared = 0;
  const template = {
    name: `counted_${process.pid}`,
    prepare: async (url: string) => {
      prepared += 1;
      await ask(url, 'create table seed as select 1 as one');
    },
  };
  const databases = await Promise.all([withDatabase(template), withDatabase(template), withDatabase(template)]);
  for (const { url } of databases) expect(await ask(url, 'select one from seed')).toEqual([{ one: 1 }]);
  expect(prepared).toBe(1);
  await Promise.all(databases.map((database) => database.drop()));
});

it('drops a database while a client is still connected', async () => {
  const database = await withDatabase();
  const client = new pg.Client({ connectionString: database.url });
  client.on('error', () => undefined);
  await client.connect();
  await database.drop();
  await expect(client.query('select 1')).rejects.toThrow(/terminat|closed|not queryable/);
});
