import type { Generation, Report } from '@openward/contracts';
import type { ReportStore, Stored } from '@openward/rollout';
import { sql, type Transaction } from 'kysely';
import { writeAudit } from './audit.repository.ts';
import { clock, clockIn, inTransaction, json, type Database } from './database.ts';
import { notify } from './notify.ts';
import type { Schema } from './schema.ts';

type Trx = Transaction<Schema>;

/** Reports on PostgreSQL. The node's row is locked first, so that two reports of one node come one after the other. */
export function postgresReports(db: Database): ReportStore {
  return {
    append: (report, dueInMs) => inTransaction(db, (trx) => append(trx, report, dueInMs)),

    enterReadOnly: (cause) =>
      inTransaction(db, async (trx) => {
        const { numUpdatedRows } = await trx
          .updateTable('network_state')
          .set({ read_only_since: clock, read_only_cause: json(cause) })
          .where('read_only_since', 'is', null)
          .executeTakeFirstOrThrow();
        if (numUpdatedRows === 0n) return;
        await writeAudit(trx, [{ actor: 'engine', action: 'readOnlyEntered', subject: 'network', details: cause }]);
      }),
  };
}

async function append(trx: Trx, report: Report, dueInMs: number): Promise<Stored> {
  const node = await trx
    .selectFrom('nodes')
    .where('name', '=', report.node)
    .where('site', '=', report.site)
    .where('revoked_at', 'is', null)
    .select(['enrolment', 'acked_through', 'newest_seq'])
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (node === undefined) return { kind: 'unknownNode' };
  const held = await heldGeneration(trx, report.node);
  const ackedBefore = node.acked_through;
  const storedAt = await insertReport(trx, report, node.enrolment);
  if (storedAt === null) return { kind: 'duplicate', ackedBefore, ackedThrough: ackedBefore, held };

  await keepNewest(trx, report, storedAt);
  const ackedThrough = await contiguous(trx, report.node, node.enrolment, ackedBefore);
  const isNewest = report.seq > node.newest_seq;
  if (isNewest || ackedThrough > ackedBefore) {
    const newest = isNewest ? { newest_seq: report.seq, newest_ledger: json(report.ledger) } : {};
    await trx
      .updateTable('nodes')
      .set({ acked_through: ackedThrough, ...newest })
      .where('name', '=', report.node)
      .execute();
  }
  await markDue(trx, report.node, dueInMs);
  return { kind: 'stored', ackedBefore, ackedThrough, held };
}

async function heldGeneration(trx: Trx, node: string): Promise<Generation | null> {
  const held = await trx.selectFrom('desired').where('node', '=', node).select(['epoch', 'number']).executeTakeFirst();
  return held ?? null;
}

/** When it was stored; null where it was there already (D4). */
async function insertReport(trx: Trx, report: Report, enrolment: number): Promise<Date | null> {
  const { node, boot, seq, ledger, body } = report;
  const row = await trx
    .insertInto('reports')
    .values({ node, boot, seq, enrolment, ledger: json(ledger), body: json(body) })
    .onConflict((conflict) => conflict.columns(['node', 'seq', 'boot']).doNothing())
    .returning('stored_at')
    .executeTakeFirst();
  return row?.stored_at ?? null;
}

async function keepNewest(trx: Trx, { node, boot, seq, body }: Report, storedAt: Date): Promise<void> {
  if (body.type === 'evidence') {
    await trx
      .insertInto('evidence')
      .values({ assignment: body.assignment, node, boot, seq, stored_at: storedAt, body: json(body) })
      .onConflict((conflict) =>
        conflict
          .columns(['assignment', 'node'])
          .doUpdateSet({ boot, seq, stored_at: storedAt, body: json(body) })
          .where('evidence.seq', '<', seq),
      )
      .execute();
    return;
  }
  const { rows } = await sql<{ is_news: boolean }>`
    with before as (select body from node_states where node = ${node})
    insert into node_states (node, boot, seq, stored_at, body)
    values (${node}, ${boot}, ${seq}, ${storedAt}, ${json(body)})
    on conflict (node) do update
    set boot = excluded.boot, seq = excluded.seq, stored_at = excluded.stored_at, body = excluded.body
    where node_states.seq < excluded.seq
    returning node_states.body - 'uptimeHours' is distinct from (select body - 'uptimeHours' from before) as is_news`.execute(
    trx,
  );
  // A state that says what the one before said is no event: in steady state nothing is told to anybody.
  if (rows[0]?.is_news === true) await notify(trx, [{ type: 'node', id: node, version: seq }]);
}

/** D4: from what was acknowledged on, one by one, to the first that is not there. */
async function contiguous(trx: Trx, node: string, enrolment: number, from: number): Promise<number> {
  const { rows } = await sql<{ seq: number }>`
    with recursive run (seq) as (
      select ${from}::bigint
      union all
      select run.seq + 1 from run
      where exists (
        select from reports
        where reports.node = ${node} and reports.seq = run.seq + 1 and reports.enrolment = ${enrolment}
      )
    )
    select max(seq) as seq from run`.execute(trx);
  return rows[0]?.seq ?? from;
}

async function markDue(trx: Trx, node: string, dueInMs: number): Promise<void> {
  await trx
    .insertInto('rollout_marks')
    .columns(['rollout', 'due_at'])
    .expression((eb) =>
      eb
        .selectFrom('rollout_nodes')
        .innerJoin('rollouts', 'rollouts.id', 'rollout_nodes.rollout')
        .where('rollout_nodes.node', '=', node)
        .where('rollouts.open', '=', true)
        .select(['rollouts.id', clockIn(dueInMs).as('due_at')]),
    )
    .execute();
}
