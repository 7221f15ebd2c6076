import { withDatabase } from '@openward/testkit';
import { expect, it } from 'vitest';
import { openDatabase } from './database.ts';
import { migrate } from './migrator.ts';
import { MIGRATIONS } from './migrations/all.ts';

const names = MIGRATIONS.map((it) => it.name);

it('runs each migration once where two replicas start at once (R9)', async () => {
  await using database = await withDatabase();
  const both = await Promise.all([migrate(database.url, '0.1.0'), migrate(database.url, '0.1.0')]);
  expect(both.map((it) => it.ran.length).toSorted((a, b) => a - b)).toEqual([0, names.length]);
  expect((await migrate(database.url, '0.1.0')).ran).toEqual([]);
});

it('gives its lock back when a migration fails, and leaves nothing of it', async () => {
  await using database = await withDatabase();
  const db = openDatabase({ url: database.url, poolSize: 1 });
  await db.schema.createTable('sites').addColumn('in_the_way', 'integer').execute();
  await expect(migrate(database.url, '0.1.0')).rejects.toThrow('could not be migrated');
  await db.schema.dropTable('sites').execute();
  expect((await migrate(database.url, '0.1.0')).ran).toEqual(names);
  await db.destroy();
});

it('lets an older version run after a newer migration that allows it, and refuses one that it does not (V2)', async () => {
  await using database = await withDatabase();
  await migrate(database.url, '0.1.0');
  const db = openDatabase({ url: database.url, poolSize: 1 });
  const newer = '9999-from-the-future';
  await db.insertInto('migration_oldest').values({ name: newer, oldest: '0.1.0' }).execute();
  await db
    .withTables<{ kysely_migration: { name: string; timestamp: string } }>()
    .insertInto('kysely_migration')
    .values({ name: newer, timestamp: new Date(Date.now() + 60_000).toISOString() })
    .execute();
  expect((await migrate(database.url, '0.1.0')).ran).toEqual([]);

  await db.updateTable('migration_oldest').set({ oldest: '0.2.0' }).where('name', '=', newer).execute();
  await expect(migrate(database.url, '0.1.9')).rejects.toThrow(
    `version 0.1.9 cannot run after migration ${newer}, which needs 0.2.0 or newer`,
  );
  expect((await migrate(database.url, '0.10.0')).ran).toEqual([]);
  await db.destroy();
});

it('states the oldest version of each migration, in the order of their names', () => {
  expect(names).toEqual(names.toSorted());
  for (const { oldest } of MIGRATIONS) expect(oldest).toMatch(/^\d+\.\d+\.\d+$/);
});
