import { randomUUID } from 'node:crypto';
import { assignmentId, type AssignmentStatus, type Report } from '@openward/contracts';
import {
  answerPermit,
  DEFAULT_ENGINE_SETTINGS as SETTINGS,
  ENGINE_VERSION,
  relayOnce,
  startRollout,
  tickOnce,
  type NodeRef,
  type RelayPorts,
  type RolloutState,
} from '@openward/rollout';
import { aRollout, aState, evidenceOf, inputOf, memoryBucket } from '@openward/rollout/testing';
import { withDatabase } from '@openward/testkit';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { inTransaction } from './database.ts';
import { repositoriesOn, type Persistence } from './persistence.ts';
import { MIGRATED, openOn, putNode } from './testing-fixtures.ts';

// Two replicas on one database, each with connections of its own (R9).

const refOf = (node: string): NodeRef => ({ site: `${node}-hospital`, node });
const BOOT = randomUUID();
const seqs = new Map<string, number>();

function reportOf(node: string, body: Report['body'], seq?: number): Report {
  const next = seq ?? (seqs.get(node) ?? 0) + 1;
  seqs.set(node, next);
  return { v: 1, ...refOf(node), boot: BOOT, seq: next, ledger: { seq: next, head: `sha256:${'0'.repeat(64)}` }, body };
}

function stateOf(
  rollout: RolloutState,
  node: string,
  status: Partial<AssignmentStatus> & Pick<AssignmentStatus, 'step'>,
) {
  const { service } = inputOf(rollout, node, 1, status);
  const body = aState({ services: service === null ? [] : [service] });
  return reportOf(node, body);
}

/** A rollout as the engine starts it, stored with everything that the start says. */
async function startIn({ db, rolloutStore }: Persistence, id: string, waves: readonly (readonly string[])[]) {
  for (const node of waves.flat()) await putNode(db, refOf(node));
  const { plan, offer } = aRollout(waves);
  return rolloutStore.start('triage', ({ now, others }) => {
    const order = { id, now, by: 'ada', plan, offer, supersede: false };
    const decision = startRollout(order, others, SETTINGS);
    if (decision.kind === 'refused') throw new Error(decision.why);
    const { next: state, effects } = decision.rollout;
    return { start: { rollout: { state, effects, dueAt: null, open: true }, others: [] }, result: state };
  });
}

/** The node measures, is permitted, serves and has soaked. */
async function makeGood({ rolloutStore, reports }: Persistence, rollout: RolloutState, node: string): Promise<void> {
  const { plan } = rollout;
  await reports.append(reportOf(node, evidenceOf(rollout, node)), 0);
  await reports.append(stateOf(rollout, node, { step: 'awaitingPermit' }), 0);
  const assignment = assignmentId(rollout.id, node, 1);
  const request = {
    v: 1,
    nonce: 'n'.repeat(22),
    assignment,
    planHash: plan.hash,
    release: plan.release.digest,
  } as const;
  expect(await answerPermit(rolloutStore, node, request, SETTINGS)).toMatchObject({ answer: { granted: true } });
  await reports.append(stateOf(rollout, node, { step: 'active', soak: 'ok' }), 0);
}

const log = {
  info() {},
  warn() {},
  error: (event: string, fields?: unknown) => expect.fail(`${event} ${JSON.stringify(fields)}`),
};

const tickAll = async ({ rolloutStore }: Persistence): Promise<void> => {
  while (await tickOnce(rolloutStore, log, SETTINGS)) {}
};

it('advances no wave twice, and loses no outbox row, where two replicas tick and relay at once (R9, D3)', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const [one, two] = [opened.persistence, opened.replica()];
  const numbers = [1, 2, 3, 4, 5, 6];
  const started: RolloutState[] = [];
  for (const n of numbers) started.push(await startIn(one, `ro-race000${n}`, [[`a${n}`], [`b${n}`]]));
  for (const [index, n] of numbers.entries()) {
    const rollout = started[index];
    if (rollout !== undefined) await makeGood(one, rollout, `a${n}`);
  }

  const bucket = memoryBucket();
  const timers = { sleep: async () => {} };
  const signer = { sealDesired: async (state: unknown) => Buffer.from(JSON.stringify(state)) };
  const relays = [one, two].map(({ outbox }): RelayPorts => ({ outbox, transport: bucket, signer, log, timers }));
  const pace = { limit: 3, leaseMs: 5000, idleMs: 0, afterErrorMs: 0 };
  const work = [...[one, two, one, two].map(tickAll), ...relays.map((ports) => relayOnce(ports, pace))];
  await Promise.all(work);
  await Promise.all([one, two].map(tickAll));
  for (const ports of relays) while (await relayOnce(ports, pace)) {}

  const audit = await one.db
    .selectFrom('audit')
    .where('action', 'in', ['waveStarted', 'wavePassed'])
    .selectAll()
    .execute();
  const told = audit.map((it) => `${it.subject} ${it.action} ${String((it.details as { wave: number }).wave)}`);
  const expected = numbers.flatMap((n) =>
    ['waveStarted 0', 'wavePassed 0', 'waveStarted 1'].map((it) => `rollout:ro-race000${n} ${it}`),
  );
  expect(told.toSorted()).toEqual(expected.toSorted());
  expect(await one.network.outboxLag()).toEqual({ nodes: 0, oldestMs: 0 });
  for (const node of numbers.flatMap((n) => [`a${n}`, `b${n}`])) {
    const newest = await one.outbox.newest(refOf(node));
    const put = JSON.parse(Buffer.from(bucket.values.get(node)?.bytes ?? '{}').toString()) as { services: unknown };
    expect(put.services).toEqual(newest?.state.services);
  }
});

it('finds a report that came while its rollout was being turned, and did not make it wait (R9)', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const [one, two] = [opened.persistence, opened.replica()];
  const rollout = await startIn(one, 'ro-aaaaaaaa', [['a']]);
  await one.reports.append(stateOf(rollout, 'a', { step: 'fetching' }), 0);
  await inTransaction(one.db, async (trx) => {
    const { rolloutStore } = repositoriesOn(trx);
    const change = { state: null, effects: [], dueAt: null, open: true };
    const turned = await rolloutStore.turnDue(ENGINE_VERSION, ({ inputs }) => ({ change, result: inputs.length }));
    expect(turned).toEqual({ result: 1 });
    // Nothing of the turn is committed yet.
    await two.reports.append(stateOf(rollout, 'a', { step: 'verifying' }), 0);
  });
  const seen = await two.rolloutStore.turnDue(ENGINE_VERSION, ({ inputs }) => ({ change: null, result: inputs }));
  expect(seen?.result[0]?.service?.assignment?.step).toBe('verifying');
});

it('leaves a report for the tick where a turn has looked at another node only (R4)', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { rolloutStore, reports } = opened.persistence;
  const rollout = await startIn(opened.persistence, 'ro-aaaaaaaa', [['a', 'b']]);
  await reports.append(stateOf(rollout, 'b', { step: 'failed', reason: 'probeFailed', outcome: 'rolledBack' }), 0);
  const change = { state: null, effects: [], dueAt: null, open: true };
  await rolloutStore.turnOne(rollout.id, ['a'], () => ({ change, result: null }));
  expect(await rolloutStore.turnDue(ENGINE_VERSION, () => ({ change: null, result: 1 }))).toEqual({ result: 1 });
});

it('turns the others that are due before one whose turn has just failed', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { rolloutStore, reports } = opened.persistence;
  for (const [id, node] of [
    ['ro-aaaaaaaa', 'a'],
    ['ro-bbbbbbbb', 'b'],
  ] as const) {
    const rollout = await startIn(opened.persistence, id, [[node]]);
    await reports.append(stateOf(rollout, node, { step: 'fetching' }), 0);
  }
  const turned: string[] = [];
  for (let turn = 0; turn < 3; turn += 1) {
    const done = rolloutStore.turnDue(ENGINE_VERSION, ({ state }) => {
      turned.push(state.id);
      if (state.id === 'ro-aaaaaaaa') throw new Error('broken');
      return { change: null, result: null };
    });
    await done.catch(() => null);
  }
  expect(turned).toEqual(['ro-aaaaaaaa', 'ro-bbbbbbbb', 'ro-bbbbbbbb']);
});

it('acknowledges every report of a node, sent in any order to both replicas at once (D4)', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const [one, two] = [opened.persistence, opened.replica()];
  const rollout = await startIn(one, 'ro-aaaaaaaa', [['a']]);
  const { body } = stateOf(rollout, 'a', { step: 'fetching' });
  const all = Array.from({ length: 40 }, (_, index) => reportOf('a', body, 40 - index));
  const stored = await Promise.all(
    all.flatMap((report, index) => [
      (index % 2 === 0 ? one : two).reports.append(report, 0),
      (index % 3 === 0 ? one : two).reports.append(report, 0),
    ]),
  );
  expect(stored.filter((it) => it.kind === 'stored')).toHaveLength(40);
  expect(await one.nodes.ackedThrough('a')).toBe(40);
  expect(await one.nodes.find('a')).toMatchObject({ newestSeq: 40, newestLedger: { seq: 40 } });
});

it('rejects when the server ends its connection within a transaction, writes nothing, and goes on', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const [one, two] = [opened.persistence, opened.replica()];
  const broken = inTransaction(one.db, async (trx) => {
    await repositoriesOn(trx).audit.append({ actor: 'ada', action: 'tried', subject: 'network' });
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx);
    await sql`select pg_terminate_backend(${rows[0]?.pid})`.execute(two.db);
    await repositoriesOn(trx).audit.append({ actor: 'ada', action: 'tried again', subject: 'network' });
  });
  await expect(broken).rejects.toThrow(/terminat|closed|not queryable|ECONNRESET/i);
  expect((await one.audit.list({ limit: 10 })).items).toEqual([]);
});

it('a mark that a report left while its rollout closed goes with the housekeeping, one of an open rollout stays', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { db, rollouts } = opened.persistence;
  const open = await startIn(opened.persistence, 'ro-race0007', [['a7']]);
  const closed = await startIn(opened.persistence, 'ro-race0008', [['a8']]);
  const mark = (rollout: string) => db.insertInto('rollout_marks').values({ rollout, due_at: new Date() }).execute();
  await db.updateTable('rollouts').set({ open: false }).where('id', '=', closed.id).execute();
  for (const { id } of [open, closed]) await mark(id);
  expect(await rollouts.pruneMarks()).toBe(1);
  expect(await db.selectFrom('rollout_marks').select('rollout').execute()).toEqual([{ rollout: open.id }]);
});
