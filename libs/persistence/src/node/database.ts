import { chmodSync, existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

// The node's own store. Every write that resolves is on the disk: `synchronous=FULL` with a write-ahead log syncs each
// commit, and the outermost transaction is the unit that a crash keeps or drops.

/** Numbered from 1; each runs once, in its own transaction. A new agent opens an old store, never the other way round (V2). */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE journal (id INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL, is_checkpoint INTEGER NOT NULL);
   CREATE TABLE ledger (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, bytes BLOB NOT NULL, at INTEGER NOT NULL, head TEXT NOT NULL);
   CREATE TABLE outbox (seq INTEGER PRIMARY KEY, ledger_seq INTEGER NOT NULL REFERENCES ledger(seq));
   CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
   CREATE TABLE results (key TEXT NOT NULL, item TEXT NOT NULL, outcome TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (key, item)) WITHOUT ROWID;
   CREATE TABLE judgements (key TEXT PRIMARY KEY, result TEXT NOT NULL, local TEXT NOT NULL, at INTEGER NOT NULL);
   CREATE TABLE verdicts (id INTEGER PRIMARY KEY, data_set TEXT NOT NULL, data TEXT NOT NULL, suite TEXT NOT NULL, release TEXT NOT NULL, evidence TEXT NOT NULL, at INTEGER NOT NULL);
   CREATE TABLE data_sets (name TEXT NOT NULL, version INTEGER NOT NULL, data TEXT NOT NULL, card TEXT NOT NULL, records TEXT NOT NULL, fingerprints TEXT NOT NULL, salt BLOB NOT NULL, added_at INTEGER NOT NULL, PRIMARY KEY (name, version));
   CREATE TABLE api_keys (id TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, application TEXT NOT NULL, created_at INTEGER NOT NULL, revoked_at INTEGER);`,
  'CREATE TABLE ledger_acknowledgements (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, alarm TEXT NOT NULL, reason TEXT NOT NULL, accepted TEXT NOT NULL, raised_to INTEGER NOT NULL)',
  'CREATE TABLE policy_hits (service TEXT NOT NULL, policy TEXT NOT NULL, revision INTEGER NOT NULL, rule TEXT NOT NULL, stage TEXT NOT NULL, action TEXT NOT NULL, mode TEXT NOT NULL, day TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (service, policy, revision, rule, stage, action, mode, day)) WITHOUT ROWID',
  `CREATE TABLE site_settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE policy_refusals (service TEXT PRIMARY KEY, release TEXT NOT NULL, number INTEGER NOT NULL, findings TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
   CREATE TABLE shadows (id INTEGER PRIMARY KEY, service TEXT NOT NULL, shadow TEXT NOT NULL, ended_at INTEGER, ended_why TEXT);
   CREATE UNIQUE INDEX open_shadows ON shadows (service) WHERE ended_at IS NULL;`,
  `DELETE FROM results WHERE data IN (SELECT data FROM data_sets)
   AND data NOT IN (SELECT data FROM data_sets WHERE records <> '[]');`,
  'ALTER TABLE verdicts ADD COLUMN under TEXT',
];

/** Gives up what is kept in reserve on this disk (N7), at once. False where there was nothing left to give up. */
export type GiveRoom = () => boolean;
const ROOM = new WeakMap<DatabaseSync, GiveRoom>();

/** Where the disk is full, `giveRoom` is called and the write tried once more. */
export function openNodeDatabase(path: string, giveRoom: GiveRoom = () => false): DatabaseSync {
  const isNew = !existsSync(path);
  const database = new DatabaseSync(path);
  ROOM.set(database, giveRoom);
  if (isNew && path !== ':memory:') chmodSync(path, 0o600);
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000;',
  );
  migrate(database);
  return database;
}

function migrate(database: DatabaseSync): void {
  const { user_version: done } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  if (done > MIGRATIONS.length)
    throw new Error(
      `the store was written by a newer agent (${done} migrations, this agent knows ${MIGRATIONS.length})`,
    );
  for (let number = done + 1; number <= MIGRATIONS.length; number++) {
    inTransaction(database, () => {
      database.exec(MIGRATIONS[number - 1] ?? '');
      database.exec(`PRAGMA user_version = ${number}`);
    });
  }
}

/** All of it or nothing. It may be run twice, where the first time ended at a full disk (N7). */
export function inTransaction<T>(database: DatabaseSync, act: () => T): T {
  try {
    return attempt(database, act);
  } catch (error) {
    if (!isFull(error) || ROOM.get(database)?.() !== true) throw error;
    return attempt(database, act);
  }
}

function attempt<T>(database: DatabaseSync, act: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = act();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // A full disk has ended it already, and a second end would hide why.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

const SQLITE_FULL = 13;

/** By the primary code: an extended one says more in its upper bits. */
const isFull = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === SQLITE_FULL;

/** Rows by the columns that the caller's query names: SQLite itself says nothing of their types. */
export const asRows = <Row extends object>(rows: readonly object[]): readonly Row[] => rows as readonly Row[];
