import type { Digest } from '@openward/contracts';
import { sql, type Transaction } from 'kysely';
import { clockIn, inTransaction, json, type Database } from './database.ts';
import type { Schema } from './schema.ts';

export type Once<T> =
  | { readonly kind: 'first' | 'again'; readonly answer: T }
  /** The key was first used with another request (422). */
  | { readonly kind: 'reused' };

/** R9: each creating POST once, however often it is sent and to whichever replica. */
export class IdempotencyRepository {
  readonly #db: Database;
  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * Runs `act` in the transaction that keeps its answer, as JSON; the same key and request give that answer again. A second
   * that comes meanwhile waits for the first. Where `act` throws nothing is kept, and the key is as good as new. `act` may
   * run more than once where PostgreSQL ended the transaction (`inTransaction`). Put whose key it is into `key`.
   */
  async once<T>(key: string, request: Digest, act: (trx: Transaction<Schema>) => Promise<T>): Promise<Once<T>> {
    return inTransaction(this.#db, async (trx): Promise<Once<T>> => {
      const { numInsertedOrUpdatedRows } = await trx
        .insertInto('idempotency_keys')
        .values({ key, request })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows !== 1n) return answeredBefore<T>(trx, key, request);
      const answer = await act(trx);
      await trx
        .updateTable('idempotency_keys')
        .set({ answer: json(answer) })
        .where('key', '=', key)
        .execute();
      return { kind: 'first', answer };
    });
  }

  /** Of the keys that begin with `prefix`, those past the `count` newest go: how many. */
  async keepNewest(prefix: string, count: number): Promise<number> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('idempotency_keys')
      .where('key', 'in', (eb) =>
        eb
          .selectFrom('idempotency_keys')
          .where(sql<boolean>`starts_with(key, ${prefix})`)
          .orderBy('created_at', 'desc')
          .orderBy('key')
          .offset(count)
          .select('key'),
      )
      .executeTakeFirstOrThrow();
    return Number(numDeletedRows);
  }

  /** Forgets what is older than `olderThanMs`: how many. */
  async prune(olderThanMs: number): Promise<number> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('idempotency_keys')
      .where('created_at', '<', clockIn(-olderThanMs))
      .executeTakeFirstOrThrow();
    return Number(numDeletedRows);
  }
}

async function answeredBefore<T>(trx: Transaction<Schema>, key: string, request: Digest): Promise<Once<T>> {
  const row = await trx
    .selectFrom('idempotency_keys')
    .where('key', '=', key)
    .select(['request', 'answer'])
    .executeTakeFirstOrThrow();
  return row.request === request ? { kind: 'again', answer: row.answer as T } : { kind: 'reused' };
}
