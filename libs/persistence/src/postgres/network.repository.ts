import { MAX_EPOCH, type Generation, type Name } from '@openward/contracts';
import { sql } from 'kysely';
import { aheadOf, type NodeAhead } from './ahead.ts';
import { writeAudit } from './audit.repository.ts';
import { clock, clockMs, inTransaction, instantOf, type Database } from './database.ts';
import { offerAgain, raiseGenerations } from './desired.ts';
import { outboxLag } from './outbox-store.ts';
import type { ReadOnlyCause } from './schema.ts';

export interface NetworkState {
  readonly epoch: number;
  readonly readOnly: { readonly since: string; readonly cause: ReadOnlyCause } | null;
}

/** A backup is days old, and an epoch is opened by a person: far more than can lie between it and what nodes have seen. */
const EPOCHS_LOST_AT_MOST = 1000;

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
   * D6, by an admin: ends read-only. Above every epoch that is held here or that a node in good standing has reported, so that
   * every node takes its state again; all are told. A report of one so far ahead that no control plane can have opened it is a
   * lie and counts for nothing: else one node could use up all epochs that there are. The new epoch.
   */
  async openEpoch(by: string, reason: string): Promise<number> {
    return inTransaction(this.#db, async (trx) => {
      const before = await trx
        .selectFrom('network_state')
        .select(['epoch', 'read_only_cause'])
        .forUpdate()
        .executeTakeFirstOrThrow();
      const credible = before.epoch + EPOCHS_LOST_AT_MOST;
      const { rows } = await sql<{ highest: number | null }>`
        select max(said.epoch) as highest
        from (
          select node, (body -> 'generation' ->> 'epoch')::bigint as epoch from node_states
          union all
          select read_only_cause ->> 'node', (read_only_cause -> 'reported' ->> 'epoch')::bigint from network_state
        ) as said
        join nodes on nodes.name = said.node and nodes.revoked_at is null
        where said.epoch <= ${credible}`.execute(trx);
      const epoch = Math.max(before.epoch, rows[0]?.highest ?? 0) + 1;
      if (epoch > MAX_EPOCH) throw new Error(`there is no epoch after ${before.epoch}`);
      await trx.updateTable('network_state').set({ epoch, read_only_since: null, read_only_cause: null }).execute();
      await raiseGenerations(trx, 'all');
      const details = { from: before.epoch, to: epoch, reason, cause: before.read_only_cause };
      await writeAudit(trx, [{ actor: by, action: 'epochOpened', subject: 'network', details }]);
      return epoch;
    });
  }

  /** D6: the nodes whose newest report names a generation above what is held for them. */
  async ahead(): Promise<readonly NodeAhead[]> {
    return aheadOf(this.#db);
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
