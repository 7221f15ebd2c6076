import type { Assignment, DesiredState, Digest, Name } from '@openward/contracts';
import { composeDesired, type NodeRef } from '@openward/rollout';
import { sql, type Transaction } from 'kysely';
import { clock, instantOf, type Database } from './database.ts';
import type { Schema } from './schema.ts';

/**
 * What these nodes are told has changed: the generation of each rises by one, and an outbox row names it (D3). Rows are locked
 * in the order of their names, here and everywhere, so that two transactions never wait for each other.
 */
export async function raiseGenerations(trx: Transaction<Schema>, nodes: readonly Name[] | 'all'): Promise<void> {
  const names = nodes === 'all' ? undefined : [...new Set(nodes)].sort();
  if (names?.length === 0) return;
  const only = names === undefined ? sql`` : sql`and nodes.name = any(${names}::text[])`;
  await sql`
    insert into desired (node, epoch, number)
    select nodes.name, network_state.epoch, 1 from nodes, network_state
    where nodes.revoked_at is null ${only}
    order by nodes.name
    on conflict (node) do update
    set epoch = greatest(desired.epoch, excluded.epoch), number = desired.number + 1, changed_at = ${clock}`.execute(
    trx,
  );
  await sql`
    insert into outbox (node, site, epoch, number)
    select nodes.name, nodes.site, desired.epoch, desired.number
    from desired join nodes on nodes.name = desired.node
    where nodes.revoked_at is null ${only}
    order by nodes.name
    on conflict (node) do update
    set epoch = excluded.epoch, number = excluded.number, site = excluded.site`.execute(trx);
}

/** An outbox row for every node that was ever told anything, at the generation that it has: the bucket was lost (D5). */
export const offerAgain = (db: Database) =>
  sql`
  insert into outbox (node, site, epoch, number)
  select nodes.name, nodes.site, desired.epoch, desired.number
  from desired join nodes on nodes.name = desired.node
  where nodes.revoked_at is null
  order by nodes.name
  on conflict (node) do update set leased_until = null`.execute(db);

/** Null: the node is unknown or revoked, or was never told anything. One statement, so one snapshot. */
export async function newestDesired(
  db: Database,
  { site, node }: NodeRef,
): Promise<{ readonly state: DesiredState; readonly revision: number } | null> {
  const row = await db
    .selectFrom('nodes')
    .innerJoin('desired', 'desired.node', 'nodes.name')
    .where('nodes.name', '=', node)
    .where('nodes.site', '=', site)
    .where('nodes.revoked_at', 'is', null)
    .select((eb) => [
      'desired.epoch',
      'desired.number',
      'desired.revision',
      'nodes.acked_through',
      clock.as('now'),
      sql<Assignment[]>`${eb
        .selectFrom('assignments')
        .whereRef('assignments.node', '=', 'nodes.name')
        .select(sql`coalesce(jsonb_agg(assignments.document), '[]')`.as('documents'))}`.as('assignments'),
      sql<Digest[]>`${eb
        .selectFrom('releases')
        .where('releases.recalled_at', 'is not', null)
        .select(sql`coalesce(jsonb_agg(releases.digest), '[]')`.as('digests'))}`.as('recalled'),
    ])
    .executeTakeFirst();
  if (row === undefined) return null;
  const { epoch, number, revision, acked_through: ackedThrough, now, assignments, recalled } = row;
  const generation = { epoch, number };
  const issuedAt = instantOf(now);
  const state = composeDesired({ site, node, generation, issuedAt, ackedThrough, assignments, recalled });
  return { state, revision };
}
