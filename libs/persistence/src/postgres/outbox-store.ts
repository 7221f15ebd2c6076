import type { NodeRef, OutboxStore } from '@openward/rollout';
import { sql } from 'kysely';
import { clock, clockIn, inTransaction, type Database } from './database.ts';
import { newestDesired } from './desired.ts';

/** D3 on PostgreSQL: one row a node, its lease by the database's clock. */
export function postgresOutbox(db: Database): OutboxStore {
  return {
    async claim(limit, leaseMs) {
      const { rows } = await sql<NodeRef & { created_at: Date }>`
        with free as (
          select node from outbox
          where leased_until is null or leased_until <= clock_timestamp()
          order by created_at, node
          limit ${limit}
          for update skip locked
        )
        update outbox set leased_until = ${clockIn(leaseMs)}
        from free where outbox.node = free.node
        returning outbox.site, outbox.node, outbox.created_at`.execute(db);
      return rows
        .toSorted((a, b) => a.created_at.getTime() - b.created_at.getTime() || (a.node < b.node ? -1 : 1))
        .map(({ site, node }) => ({ site, node }));
    },

    newest: (node) => newestDesired(db, node),

    async done({ node }, { generation, revision }) {
      await inTransaction(db, async (trx) => {
        await trx
          .updateTable('desired')
          .set({ revision })
          .where('node', '=', node)
          .where('revision', '<', revision)
          .execute();
        await trx
          .deleteFrom('outbox')
          .where('node', '=', node)
          .where(sql<boolean>`(epoch, number) <= (${generation.epoch}, ${generation.number})`)
          .execute();
        await trx.updateTable('outbox').set({ leased_until: null }).where('node', '=', node).execute();
      });
    },

    async drop({ node }) {
      await db.deleteFrom('outbox').where('node', '=', node).execute();
    },

    async putOff({ node }, afterMs) {
      await db
        .updateTable('outbox')
        .set({ leased_until: clockIn(afterMs) })
        .where('node', '=', node)
        .execute();
    },
  };
}

/** How many nodes wait to be told, and since when: what `doctor` shows. */
export async function outboxLag(db: Database): Promise<{ readonly nodes: number; readonly oldestMs: number }> {
  const { rows } = await sql<{ nodes: number; oldest_ms: number }>`
    select count(*) as nodes,
      coalesce(floor(extract(epoch from ${clock} - min(created_at)) * 1000), 0)::float8 as oldest_ms
    from outbox`.execute(db);
  return { nodes: rows[0]?.nodes ?? 0, oldestMs: rows[0]?.oldest_ms ?? 0 };
}
