import { Kysely, PostgresAdapter, PostgresDialect, sql } from 'kysely';
import { Migrator, type Migration } from 'kysely/migration';
import pg from 'pg';
import { MIGRATIONS } from './migrations/all.ts';
import type { Schema } from './schema.ts';

// Replicas start at once and each migrates. The lock belongs to the transaction that migrates, so that it ends with it
// however that ends, and no connection of a pool can be left holding it (R9).

const LOCK = 7_021_117;

class TransactionLockAdapter extends PostgresAdapter {
  override async acquireMigrationLock(): Promise<void> {}
  override async releaseMigrationLock(): Promise<void> {}
}

class MigrationDialect extends PostgresDialect {
  override createAdapter(): PostgresAdapter {
    return new TransactionLockAdapter();
  }
}

export interface Migrated {
  /** Names of the migrations that this call ran, in order. */
  readonly ran: readonly string[];
}

/**
 * Brings the database up to date, in one transaction. `version` is of the program that calls, as `1.2.3`: where a newer one has
 * already migrated further, this throws unless each of those migrations says that `version` can still run after it (V2).
 */
export async function migrate(url: string, version: string): Promise<Migrated> {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  pool.on('error', () => {});
  const db = new Kysely<Schema>({ dialect: new MigrationDialect({ pool }) });
  try {
    return await db.transaction().execute(async (trx) => {
      await sql`select pg_advisory_xact_lock(${sql.lit(LOCK)})`.execute(trx);
      const newer = await newerMigrations(trx);
      refuseWhereTooOld(newer, version);
      const known = MIGRATIONS.map((it): [string, Migration] => [it.name, it]);
      const passed = newer.map((it): [string, Migration] => [it.name, { up: async () => {} }]);
      const provider = { getMigrations: async () => Object.fromEntries([...known, ...passed]) };
      const { error, results } = await new Migrator({ db: trx, provider }).migrateToLatest();
      if (error !== undefined) throw new Error('the database could not be migrated', { cause: error });
      const ran = (results ?? []).map((it) => it.migrationName);
      await noteOldest(trx, ran);
      return { ran };
    });
  } finally {
    await db.destroy();
  }
}

/** Migrations that ran here and that this program does not know. */
async function newerMigrations(db: Kysely<Schema>): Promise<{ name: string; oldest: string }[]> {
  await sql`create table if not exists migration_oldest (name text primary key, oldest text not null)`.execute(db);
  const known = new Set(MIGRATIONS.map((it) => it.name));
  const rows = await db.selectFrom('migration_oldest').selectAll().orderBy('name').execute();
  return rows.filter((it) => !known.has(it.name));
}

function refuseWhereTooOld(newer: readonly { name: string; oldest: string }[], version: string): void {
  const over = newer.find((it) => isBefore(version, it.oldest));
  if (over === undefined) return;
  throw new Error(`version ${version} cannot run after migration ${over.name}, which needs ${over.oldest} or newer`);
}

async function noteOldest(db: Kysely<Schema>, ran: readonly string[]): Promise<void> {
  const rows = MIGRATIONS.filter((it) => ran.includes(it.name)).map(({ name, oldest }) => ({ name, oldest }));
  if (rows.length > 0) await db.insertInto('migration_oldest').values(rows).execute();
}

function isBefore(version: string, other: string): boolean {
  const [a, b] = [partsOf(version), partsOf(other)];
  const at = a.findIndex((part, index) => part !== b[index]);
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0);
}

function partsOf(version: string): readonly number[] {
  const match = /^(\d+)\.(\d+)\.(\d+)/.exec(version);
  if (match === null) throw new Error(`${version} is no version`);
  return match.slice(1).map(Number);
}
