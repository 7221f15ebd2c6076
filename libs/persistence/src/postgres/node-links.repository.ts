import type { Name } from '@openward/contracts';
import { sql } from 'kysely';
import { clock, clockIn, inTransaction, type Database } from './database.ts';

/** What was seen longer ago is not what is: then nobody knows who is connected. */
export const LINKS_KNOWN_FOR_MS = 60_000;

export interface LinksSeen {
  readonly connected: readonly Name[];
  /** Who was at the look before. Whoever is in neither is gone; null: this look alone says nothing of who is gone. */
  readonly before: readonly Name[] | null;
}

/**
 * Whoever reports a while after its connection was seen to end has another way, as behind a leaf node: then nobody knows. A report
 * that was only under way comes sooner.
 */
export const isContradicted = sql<boolean>`
  (not node_links.connected and coalesce(node_states.stored_at > node_links.since + interval '1 minute', false))`;

/** Who is connected, for people. A connection is no report (R7). */
export class NodeLinkRepository {
  readonly #db: Database;
  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * What a replica saw. A node that was never seen stays unknown, since it may stand behind a leaf node. Rows that say so already are not written, so that replicas which see the same do not disturb each other.
   */
  async saw({ connected, before }: LinksSeen): Promise<void> {
    await inTransaction(this.#db, async (trx) => {
      await sql`
        insert into node_links (node, connected)
        select nodes.name, true from nodes
        where nodes.name = any(${connected}::text[]) and nodes.revoked_at is null
          and not exists (select from node_links where node = nodes.name and connected)
        on conflict (node) do update set connected = true, since = clock_timestamp() where not node_links.connected`.execute(
        trx,
      );
      if (before === null) return;
      await trx
        .updateTable('node_links')
        .set({ connected: false, since: clock })
        .where('connected', '=', true)
        .where(sql<boolean>`node <> all(${[...connected, ...before]}::text[])`)
        .execute();
      await trx.updateTable('network_state').set({ links_seen_at: clock }).execute();
    });
  }

  /** Since when each node is out of reach that was connected once, in milliseconds since 1970. Empty while nobody knows. */
  async outOfReach(): Promise<ReadonlyMap<Name, number>> {
    const rows = await this.#db
      .selectFrom('node_links')
      .innerJoin('network_state', (join) => join.on('network_state.links_seen_at', '>', clockIn(-LINKS_KNOWN_FOR_MS)))
      .innerJoin('nodes', 'nodes.name', 'node_links.node')
      .leftJoin('node_states', 'node_states.node', 'node_links.node')
      .where((eb) => eb.not(isContradicted))
      .where('node_links.connected', '=', false)
      .where('nodes.revoked_at', 'is', null)
      .orderBy('node_links.node')
      .select(['node_links.node', 'node_links.since'])
      .execute();
    return new Map(rows.map(({ node, since }) => [node, since.getTime()]));
  }
}
