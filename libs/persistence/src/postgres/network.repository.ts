import type { Generation, Name } from '@openward/contracts';
import { sql } from 'kysely';
import { writeAudit } from './audit.repository.ts';
import { clock, clockMs, inTransaction, instantOf, type Database } from './database.ts';
import { offerAgain, raiseGenerations } from './desired.ts';
import { outboxLag } from './outbox-store.ts';
import type { ReadOnlyCause } from './schema.ts';

export interface NetworkState {
  readonly epoch: number;
  readonly readOnly: { readonly since: string; readonly cause: ReadOnlyCause } | null;
}

export class NetworkRepository {
  readonly #db: Database;
  constructor(db: Database) {
    this.#db = db;
  }

  async read(): Promise<NetworkState> {
    const row = await this.#db.selectFrom('network_state').selectAll().executeTakeFirstOrThrow();
    const { epoch, read_only_since: since, read_only_cause: cause } = row;
    return { epoch, readOnly: since === null || cause === null ? null : { since: instantOf(since), cause } };
  }

  /** The database's clock, in milliseconds since 1970 (T1). */
  async now(): Promise<number> {
    const { rows } = await sql<{ now: number }>`select ${clockMs} as now`.execute(this.#db);
    const now = rows[0]?.now;
    if (now === undefined) throw new Error('the database has no clock');
    return now;
  }

  /**
   * D6, by an admin: ends read-only. Above every epoch that is held here or that a node has reported, so that every node takes
   * its state again; all are told. The new epoch.
   */
  async openEpoch(by: string, reason: string): Promise<number> {
    return inTransaction(this.#db, async (trx) => {
      const before = await trx
        .selectFrom('network_state')
        .select(['epoch', 'read_only_cause'])
        .forUpdate()
        .executeTakeFirstOrThrow();
      const { rows } = await sql<{ highest: number | null }>`
        select max((body -> 'generation' ->> 'epoch')::integer) as highest from node_states`.execute(trx);
      const reported = before.read_only_cause?.reported.epoch ?? 0;
      const epoch = Math.max(before.epoch, reported, rows[0]?.highest ?? 0) + 1;
      await trx.updateTable('network_state').set({ epoch, read_only_since: null, read_only_cause: null }).execute();
      await raiseGenerations(trx, 'all');
      const details = { from: before.epoch, to: epoch, reason, cause: before.read_only_cause };
      await writeAudit(trx, [{ actor: by, action: 'epochOpened', subject: 'network', details }]);
      return epoch;
    });
  }

  /** D5: NATS lost its buckets, so every node's desired state is put again. */
  async offerAgain(): Promise<void> {
    await offerAgain(this.#db);
  }

  /** The node's generation as it stands here; null where it was never told anything. */
  async held(node: Name): Promise<Generation | null> {
    const row = await this.#db
      .selectFrom('desired')
      .where('node', '=', node)
      .select(['epoch', 'number'])
      .executeTakeFirst();
    return row ?? null;
  }

  async outboxLag(): Promise<{ readonly nodes: number; readonly oldestMs: number }> {
    return outboxLag(this.#db);
  }

  /** Rejects where the database cannot be reached: what readiness asks. */
  async ping(): Promise<void> {
    await sql`select ${clock}`.execute(this.#db);
  }
}
