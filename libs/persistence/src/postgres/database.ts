import { Kysely, PostgresDialect, sql, type LogEvent, type RawBuilder, type Transaction } from 'kysely';
import pg from 'pg';
import type { Schema } from './schema.ts';

export type Database = Kysely<Schema>;

export interface DatabaseOptions {
  readonly url: string;
  /** Connections of this process. */
  readonly poolSize?: number;
  /** Told of a connection that broke; whoever used it is told by its own rejection. */
  readonly onError?: (error: unknown) => void;
  /** Told of each statement. */
  readonly onQuery?: (sql: string) => void;
}

/** int8 comes as a number: none of ours passes 2^53. Times come as `Date`. */
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === pg.types.builtins.INT8
      ? Number
      : (pg.types.getTypeParser(oid, format as 'text') as (value: string) => unknown),
};

/** Connects lazily. A transaction whose process hangs is ended by the server, so that its locks are given back. */
export function openDatabase(options: DatabaseOptions): Database {
  const onError = options.onError ?? (() => {});
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize ?? 10,
    connectionTimeoutMillis: 10_000,
    idle_in_transaction_session_timeout: 30_000,
    types: types as pg.CustomTypesConfig,
  });
  pool.on('error', onError);
  // A connection that breaks between two queries of a transaction has no other listener, and would end the process.
  pool.on('connect', (client) => client.on('error', onError));
  const { onQuery } = options;
  const log = onQuery && ((event: LogEvent) => onQuery(event.query.sql));
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool }), ...(log && { log }) });
}

/** Serialisation failure and deadlock: nothing was written, and the same again may succeed. */
const BEGIN_AGAIN = new Set(['40001', '40P01']);
const TRIES = 4;

/**
 * One transaction in which each statement sees what was committed before it, or a part of the one that `db` is in already. `work` may run more than once where PostgreSQL ended the
 * transaction for another's sake; then nothing of its earlier run is left.
 */
export async function inTransaction<R>(db: Database, work: (trx: Transaction<Schema>) => Promise<R>): Promise<R> {
  if (isTransaction(db)) return work(db);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await db.transaction().setIsolationLevel('read committed').execute(work);
    } catch (error) {
      if (attempt === TRIES || !isToBeginAgain(error)) throw error;
    }
  }
}

const isTransaction = (db: Database): db is Transaction<Schema> => db.isTransaction;
const isToBeginAgain = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && BEGIN_AGAIN.has(String(error.code));

/** The database's clock (T1): it goes on within a transaction. */
export const clock = sql<Date>`clock_timestamp()`;
/** The same in whole milliseconds since 1970. */
export const clockMs = sql<number>`floor(extract(epoch from clock_timestamp()) * 1000)::float8`;
export const clockIn = (ms: number): RawBuilder<Date> =>
  sql<Date>`clock_timestamp() + make_interval(secs => ${ms / 1000}::float8)`;
export const atMs = (ms: number): RawBuilder<Date> => sql<Date>`to_timestamp(${ms}::float8 / 1000)`;

export const instantOf = (date: Date): string => date.toISOString();
export const json = (value: unknown): string => JSON.stringify(value);
