import type { Name, Report } from '@openward/contracts';
import type { ReportStore, Stored } from '@openward/rollout';
import { sql, type Transaction } from 'kysely';
import { postgresVoices } from './ahead.ts';
import { writeAudit } from './audit.repository.ts';
import { clock, clockIn, inTransaction, json, type Database } from './database.ts';
import { notify } from './notify.ts';
import type { Schema } from './schema.ts';

type Trx = Transaction<Schema>;

/** Reports on PostgreSQL. The node's row is locked first, so that two reports of one node come one after the other. */
export function postgresReports(db: Database): ReportStore {
  return {
    ...postgresVoices(db),

    append: (report, dueInMs, contradiction = null) =>
      inTransaction(db, (trx) => append(trx, report, dueInMs, contradiction)),

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

async function append(trx: Trx, report: Report, dueInMs: number, contradiction: string | null): Promise<Stored> {
  const node = await trx
    .selectFrom('nodes')
    .leftJoin('desired', 'desired.node', 'nodes.name')
    .where('nodes.name', '=', report.node)
    .where('nodes.site', '=', report.site)
    .where('nodes.revoked_at', 'is', null)
    .select(['nodes.enrolment', 'nodes.acked_through', 'desired.epoch', 'desired.number'])
    .forNoKeyUpdate('nodes')
    .executeTakeFirst();
  if (node === undefined) return { kind: 'unknownNode' };
  const { enrolment, acked_through: ackedBefore, epoch, number } = node;
  const held = epoch === null || number === null ? null : { epoch, number };
  const storedAt = await insertReport(trx, report, enrolment);
  if (storedAt === null) return { kind: 'duplicate', ackedBefore, ackedThrough: ackedBefore, held };
  if (contradiction !== null) {
    const details = { contradiction, body: report.body };
    await writeAudit(trx, [{ actor: 'engine', action: 'evidenceRefused', subject: `node:${report.node}`, details }]);
  } else if (await keepNewest(trx, report, storedAt)) await markRollouts(trx, report.node, dueInMs);
  return { kind: 'stored', ackedBefore, ackedThrough: await acknowledge(trx, report), held };
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

async function markRollouts(trx: Trx, node: Name, dueInMs: number): Promise<void> {
  await sql`
    insert into rollout_marks (rollout, due_at)
    select rollouts.id, ${clockIn(dueInMs)}
    from rollout_nodes
    join rollouts on rollouts.id = rollout_nodes.rollout and rollouts.open
    where rollout_nodes.node = ${node}`.execute(trx);
}

/**
 * Whether it became the newest, and says what the one before did not. A state that repeats is no event: in steady state nothing
 * is told to anybody, and no rollout is decided again.
 */
async function keepNewest(trx: Trx, { node, boot, seq, body }: Report, storedAt: Date): Promise<boolean> {
  if (body.type === 'evidence') {
    const { numInsertedOrUpdatedRows = 0n } = await trx
      .insertInto('evidence')
      .values({ assignment: body.assignment, node, boot, seq, stored_at: storedAt, body: json(body) })
      .onConflict((conflict) =>
        conflict
          .columns(['assignment', 'node'])
          .doUpdateSet({ boot, seq, stored_at: storedAt, body: json(body) })
          .where('evidence.seq', '<', seq),
      )
      .executeTakeFirstOrThrow();
    return numInsertedOrUpdatedRows > 0n;
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
  const isNews = rows[0]?.is_news === true;
  if (isNews) await notify(trx, [{ type: 'node', id: node, version: seq }]);
  return isNews;
}

/** D4: from what was acknowledged on, one by one, to the first that is not there. */
async function acknowledge(trx: Trx, { node, seq, ledger }: Report): Promise<number> {
  const { rows } = await sql<{ acked_through: number }>`
    with recursive run (seq, enrolment) as (
      select acked_through, enrolment from nodes where name = ${node}
      union all
      select run.seq + 1, run.enrolment from run
      where exists (
        select from reports
        where reports.node = ${node} and reports.seq = run.seq + 1 and reports.enrolment = run.enrolment
      )
    )
    update nodes set
      acked_through = (select max(seq) from run),
      newest_seq = greatest(newest_seq, ${seq}),
      newest_ledger = case when newest_seq < ${seq} then ${json(ledger)} else newest_ledger end
    where name = ${node}
    returning acked_through`.execute(trx);
  const acked = rows[0]?.acked_through;
  if (acked === undefined) throw new Error(`${node} is gone`);
  return acked;
}
