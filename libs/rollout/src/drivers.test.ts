import type { DesiredState, Generation, Log, Report } from '@openward/contracts';
import { describe, expect, it } from 'vitest';
import { command, start } from './command.driver.ts';
import { DEFAULT_ENGINE_SETTINGS as SETTINGS } from './events.ts';
import { ingestReport } from './ingest.driver.ts';
import { memoryBucket, memoryStores } from './memory-store.ts';
import { answerPermit } from './permit.driver.ts';
import type { DesiredTransport } from './ports.ts';
import { relayOnce, type RelayPorts } from './relay.driver.ts';
import { offerOf } from './start.ts';
import {
  aDigest,
  aNode,
  aRequest,
  aRollout,
  aState,
  evidenceOf,
  factsOf,
  inputOf,
  planOf,
  T0,
} from './testing-fixtures.ts';
import { runTicks, tickOnce } from './tick.driver.ts';

const QUIET: Log = { info: () => {}, warn: () => {}, error: () => {} };
const BOOT = '00000000-0000-4000-8000-000000000001';
const ASH = { site: 'ash-hospital', node: 'ash' };
const PACE = { limit: 10, leaseMs: 1000, idleMs: 0, afterErrorMs: 50 };

function network() {
  const time = { now: T0 };
  const stores = memoryStores({ wall: () => time.now });
  stores.enrol(ASH);
  const facts = factsOf([aNode('ash')]);
  const plan = planOf(aRequest(), facts);
  const order = { id: 'ro-aaaaaaaa', by: 'ada', plan, offer: offerOf(facts), supersede: false };
  return { time, stores, plan, begin: (id = order.id) => start(stores.rollouts, 'triage', { ...order, id }, SETTINGS) };
}

const report = (seq: number, more: { boot?: string; generation?: Generation } = {}): Report => ({
  v: 1,
  ...ASH,
  boot: more.boot ?? BOOT,
  seq,
  ledger: { seq, head: aDigest('ledger') },
  body: aState({ generation: more.generation ?? null, uptimeHours: 1 }),
});

describe('ingest (D4, D6, R9)', () => {
  it('acknowledges the highest contiguous sequence, whatever order reports come in, and stores each once', async () => {
    const { stores } = network();
    const acked = [];
    for (const seq of [1, 3, 2, 2, 5])
      acked.push(await ingestReport(stores.reports, QUIET, report(seq), { coalesceMs: 100 }));
    expect(acked).toEqual([
      { kind: 'stored', ackedThrough: 1 },
      { kind: 'stored', ackedThrough: 1 },
      { kind: 'stored', ackedThrough: 3 },
      { kind: 'duplicate', ackedThrough: 3 },
      { kind: 'stored', ackedThrough: 3 },
    ]);
  });

  it('an older report does not become the newest state, from another boot either', async () => {
    const { stores } = network();
    await ingestReport(stores.reports, QUIET, report(4), { coalesceMs: 0 });
    await ingestReport(stores.reports, QUIET, report(2, { boot: '00000000-0000-4000-8000-000000000009' }), {
      coalesceMs: 0,
    });
    expect(stores.tables.states.get('ash')?.seq).toBe(4);
  });

  it('decides nothing: it marks the rollout due after the time in which ticks coalesce', async () => {
    const { stores, begin, time } = network();
    await begin();
    const before = await stores.rollouts.read('ro-aaaaaaaa');
    await ingestReport(stores.reports, QUIET, report(1), { coalesceMs: 100 });
    expect(await stores.rollouts.read('ro-aaaaaaaa')).toEqual(before);
    expect(await tickOnce(stores.rollouts, QUIET, SETTINGS)).toBe(false);
    time.now += 100;
    expect(await tickOnce(stores.rollouts, QUIET, SETTINGS)).toBe(true);
    expect((await stores.rollouts.read('ro-aaaaaaaa'))?.state.nodes['ash']?.seen?.seq).toBe(1);
  });

  it('one site that claims a generation it was never given stops nobody; two sites that do are a restored backup (D6)', async () => {
    const { stores } = network();
    const oak = { site: 'oak-hospital', node: 'oak' };
    stores.enrol(oak);
    const claims = (seq: number, epoch: number) => report(seq, { generation: { epoch, number: 1 } });
    for (const seq of [1, 2]) await ingestReport(stores.reports, QUIET, claims(seq, 1_000_000), { coalesceMs: 0 });
    // A second node of the same site is the same voice.
    stores.enrol({ ...ASH, node: 'ash-2' });
    await ingestReport(stores.reports, QUIET, { ...claims(1, 9), node: 'ash-2' }, { coalesceMs: 0 });
    expect(stores.tables.readOnly).toBeNull();
    expect(stores.tables.loneVoices.map((it) => it.node)).toEqual(['ash', 'ash-2']);
    // Nor does a revoked one's count.
    for (const node of ['ash', 'ash-2'])
      stores.tables.nodes.set(node, { ...stores.tables.nodes.get(node)!, revoked: true });
    const elm = { site: 'elm-hospital', node: 'elm' };
    stores.enrol(elm);
    await ingestReport(stores.reports, QUIET, { ...claims(1, 3), ...oak }, { coalesceMs: 0 });
    expect(stores.tables.readOnly).toBeNull();
    await ingestReport(stores.reports, QUIET, { ...claims(1, 2), ...elm }, { coalesceMs: 0 });
    expect(stores.tables.readOnly).toMatchObject({ node: 'elm', reported: { epoch: 2 } });
  });

  it('while read-only what only takes away still does, and a rollback goes on to its end (D6)', async () => {
    for (const asked of [
      { kind: 'pause', by: 'ada', detail: null },
      { kind: 'abort', by: 'ada' },
      { kind: 'rollBack', by: 'ada', reason: 'harm' },
      { kind: 'recall', by: 'ada', reason: 'harm' },
    ] as const) {
      const { stores, begin } = network();
      await begin();
      await stores.reports.enterReadOnly({ node: 'ash', reported: { epoch: 9, number: 1 }, held: null });
      expect(await command(stores.rollouts, 'ro-aaaaaaaa', asked, SETTINGS)).toEqual({ kind: 'done' });
      const { state } = (await stores.rollouts.read('ro-aaaaaaaa'))!;
      if (asked.kind === 'pause') expect(state.pauses).toMatchObject([{ code: 'byAdmin' }]);
      else expect(state.life.kind).toBe(asked.kind === 'abort' ? 'aborted' : 'rolledBack');
    }
  });

  it('a node that has seen a higher generation than is held turns the control plane read-only (D6)', async () => {
    const { stores, begin, plan } = network();
    await begin();
    await ingestReport(stores.reports, QUIET, report(1, { generation: { epoch: 1, number: 1 } }), { coalesceMs: 0 });
    expect(stores.tables.readOnly).toBeNull();
    await ingestReport(stores.reports, QUIET, report(2, { generation: { epoch: 1, number: 9 } }), { coalesceMs: 0 });
    expect(stores.tables.readOnly).toMatchObject({ node: 'ash', held: { epoch: 1, number: 1 } });
    expect(await tickOnce(stores.rollouts, QUIET, SETTINGS)).toBe(false);
    for (const asked of [
      { kind: 'resume', by: 'ada', codes: ['byAdmin'] },
      { kind: 'waive', by: 'ada', wave: 0, reason: 'urgent' },
      { kind: 'retry', by: 'ada', node: 'ash' },
    ] as const) {
      expect(await command(stores.rollouts, 'ro-aaaaaaaa', asked, SETTINGS)).toMatchObject({ code: 'readOnly' });
    }
    expect(await begin('ro-bbbbbbbb')).toMatchObject({ kind: 'refused', code: 'readOnly' });
    const request = {
      v: 1,
      nonce: 'n'.repeat(22),
      assignment: 'ro-aaaaaaaa.ash.1',
      planHash: plan.hash,
      release: plan.release.digest,
    } as const;
    expect((await answerPermit(stores.rollouts, 'ash', request, SETTINGS)).answer).toMatchObject({
      granted: false,
      why: 'readOnly',
    });
  });

  it('refuses a node that is not enrolled, or from another site', async () => {
    const { stores } = network();
    expect(
      await ingestReport(stores.reports, QUIET, { ...report(1), site: 'oak-hospital' }, { coalesceMs: 0 }),
    ).toEqual({ kind: 'refused', why: 'unknownNode' });
  });
});

describe('permits answered', () => {
  it('a grant does not put off the tick that another node’s report has asked for', async () => {
    const { stores, time } = network();
    const oak = { site: 'oak-hospital', node: 'oak' };
    stores.enrol(oak);
    const facts = factsOf([aNode('ash'), aNode('oak')]);
    const plan = planOf(aRequest({ settings: { maxConcurrent: 1 } }), facts);
    const order = { id: 'ro-aaaaaaaa', by: 'ada', plan, offer: offerOf(facts), supersede: false };
    await start(stores.rollouts, 'triage', order, SETTINGS);
    const { state } = (await stores.rollouts.read(order.id))!;
    await ingestReport(stores.reports, QUIET, report(1), { coalesceMs: 0 });
    await ingestReport(stores.reports, QUIET, { ...report(2), body: evidenceOf(state, 'ash') }, { coalesceMs: 0 });
    await tickOnce(stores.rollouts, QUIET, SETTINGS);
    await ingestReport(stores.reports, QUIET, { ...report(1), ...oak }, { coalesceMs: 100 });
    const request = {
      v: 1,
      nonce: 'n'.repeat(22),
      assignment: 'ro-aaaaaaaa.ash.1',
      planHash: plan.hash,
      release: plan.release.digest,
    } as const;
    expect((await answerPermit(stores.rollouts, 'ash', request, SETTINGS)).answer.granted).toBe(true);
    time.now += 100;
    while (await tickOnce(stores.rollouts, QUIET, SETTINGS));
    expect((await stores.rollouts.read(order.id))?.state.nodes['oak']?.seen?.seq).toBe(1);
  });

  it('that are refused for want of room say when to ask again, by how many wait', async () => {
    const { stores } = network();
    const names = Array.from({ length: 41 }, (_, at) => `n${at}`);
    for (const node of names) stores.enrol({ site: `${node}-hospital`, node });
    const state = aRollout([names], { maxConcurrent: 1 });
    const change = { state, effects: [], dueAt: null, open: true };
    await stores.rollouts.start('triage', () => ({ start: { rollout: change, others: [] }, result: null }));
    for (const node of names) {
      const { service } = inputOf(state, node, 1, { step: 'awaitingPermit' });
      const whose = { site: `${node}-hospital`, node };
      const said = report(1);
      const body = { ...said.body, services: [service] } as Report['body'];
      await ingestReport(stores.reports, QUIET, { ...said, ...whose, body }, { coalesceMs: 0 });
      await ingestReport(
        stores.reports,
        QUIET,
        { ...report(2), ...whose, body: evidenceOf(state, node) },
        { coalesceMs: 0 },
      );
    }
    while (await tickOnce(stores.rollouts, QUIET, SETTINGS));
    const ask = async (node: string) => {
      const { hash: planHash, release } = state.plan;
      const assignment = `${state.id}.${node}.1`;
      const request = { v: 1, nonce: 'n'.repeat(22), assignment, planHash, release: release.digest } as const;
      return (await answerPermit(stores.rollouts, node, request, SETTINGS)).answer;
    };
    expect(await ask('n0')).toMatchObject({ granted: true });
    expect(await ask('n1')).toEqual({ granted: false, why: 'concurrencyReached', retryAfterMs: 1000 });
  });

  it('to a name that no rollout has, or that is no assignment, the answer is a refusal with the nonce', async () => {
    const { stores, plan } = network();
    for (const assignment of ['ro-zzzzzzzz.ash.1', 'nonsense']) {
      const request = {
        v: 1,
        nonce: 'n'.repeat(22),
        assignment,
        planHash: plan.hash,
        release: plan.release.digest,
      } as const;
      expect(await answerPermit(stores.rollouts, 'ash', request, SETTINGS)).toMatchObject({
        nonce: request.nonce,
        answer: { why: 'unknownAssignment' },
      });
    }
  });
});

describe('the relay (D3)', () => {
  const putOn = (transport: DesiredTransport, stores: ReturnType<typeof network>['stores']): RelayPorts => ({
    outbox: stores.outbox,
    transport,
    signer: { sealDesired: async (state) => Buffer.from(JSON.stringify(state)) },
    timers: { sleep: async () => {} },
    log: QUIET,
  });
  const read = (bucket: ReturnType<typeof memoryBucket>): DesiredState =>
    JSON.parse(Buffer.from(bucket.values.get('ash')!.bytes).toString()) as DesiredState;

  it('puts the newest state once, however many rows name the node', async () => {
    const { stores, begin } = network();
    await begin();
    await command(stores.rollouts, 'ro-aaaaaaaa', { kind: 'abort', by: 'ada' }, SETTINGS);
    const bucket = memoryBucket();
    expect(await relayOnce(putOn(bucket, stores), PACE)).toBe(true);
    expect(bucket.values.get('ash')?.revision).toBe(1);
    expect(read(bucket).services[0]?.assignment?.phase).toBe('withdraw');
    expect(await relayOnce(putOn(bucket, stores), PACE)).toBe(false);
  });

  it('a slow relay that read an older state conflicts, reads again and puts the newer one', async () => {
    const { stores, begin } = network();
    await begin();
    const bucket = memoryBucket();
    let isFirst = true;
    const slow: DesiredTransport = {
      ...bucket,
      put: async (node, bytes, expected) => {
        if (isFirst) {
          isFirst = false;
          // Another relay is faster, with a newer state, between this one's read and its put.
          await command(stores.rollouts, 'ro-aaaaaaaa', { kind: 'abort', by: 'ada' }, SETTINGS);
          await bucket.put(node, Buffer.from(JSON.stringify((await stores.outbox.newest(node))?.state)), expected);
        }
        return bucket.put(node, bytes, expected);
      },
    };
    await relayOnce(putOn(slow, stores), PACE);
    expect(read(bucket)).toMatchObject({
      generation: { number: 2 },
      services: [{ assignment: { phase: 'withdraw' } }],
    });
  });

  it.each([
    ['failed and not stored', false],
    ['failed and stored all the same', true],
  ])('a put that %s is put again', async (_, isStored) => {
    const { stores, begin, time } = network();
    await begin();
    const bucket = memoryBucket();
    let failures = 1;
    const failing: DesiredTransport = {
      ...bucket,
      put: async (node, bytes, expected) => {
        if (failures-- <= 0) return bucket.put(node, bytes, expected);
        if (isStored) await bucket.put(node, bytes, expected);
        throw new Error('timed out');
      },
    };
    await relayOnce(putOn(failing, stores), PACE);
    expect(await relayOnce(putOn(failing, stores), PACE)).toBe(false);
    time.now += 50;
    await relayOnce(putOn(failing, stores), PACE);
    expect(read(bucket).generation.number).toBe(1);
    expect(stores.tables.outbox).toEqual([]);
  });

  it('a row written while the put was under way stays for the next round', async () => {
    const { stores, begin } = network();
    await begin();
    const bucket = memoryBucket();
    const late: DesiredTransport = {
      ...bucket,
      put: async (node, bytes, expected) => {
        const put = await bucket.put(node, bytes, expected);
        if (expected === 0) await command(stores.rollouts, 'ro-aaaaaaaa', { kind: 'abort', by: 'ada' }, SETTINGS);
        return put;
      },
    };
    await relayOnce(putOn(late, stores), PACE);
    expect(await relayOnce(putOn(late, stores), PACE)).toBe(true);
    expect(read(bucket).generation.number).toBe(2);
  });

  it('after the bucket was lost the key is made again (D5)', async () => {
    const { stores, begin } = network();
    await begin();
    await relayOnce(putOn(memoryBucket(), stores), PACE);
    await command(stores.rollouts, 'ro-aaaaaaaa', { kind: 'abort', by: 'ada' }, SETTINGS);
    const empty = memoryBucket();
    await relayOnce(putOn(empty, stores), PACE);
    expect(read(empty).generation.number).toBe(2);
  });
});

describe('ticks (R9)', () => {
  it('a rollout that cannot be decided does not keep the others from their turn', async () => {
    const { stores, begin, time } = network();
    await begin();
    const row = stores.tables.rollouts.get('ro-aaaaaaaa')!;
    stores.tables.rollouts.set(row.id, {
      ...row,
      dueAt: T0,
      text: JSON.stringify({ ...JSON.parse(row.text), waves: null }),
    });
    const errors: string[] = [];
    expect(await tickOnce(stores.rollouts, { ...QUIET, error: (event) => void errors.push(event) }, SETTINGS)).toBe(
      true,
    );
    expect(await tickOnce(stores.rollouts, QUIET, SETTINGS)).toBe(false);
    time.now += 60_000;
    expect(await tickOnce(stores.rollouts, QUIET, SETTINGS)).toBe(true);
    expect(errors).toEqual(['a rollout cannot be decided']);
  });

  it('a replica leaves rollouts of a newer engine alone (V2)', async () => {
    const { stores, begin } = network();
    await begin();
    const row = stores.tables.rollouts.get('ro-aaaaaaaa')!;
    stores.tables.rollouts.set(row.id, { ...row, dueAt: T0, engine: 2 });
    expect(await tickOnce(stores.rollouts, QUIET, SETTINGS)).toBe(false);
  });

  it('the loop goes on after a failed turn and ends with its signal', async () => {
    const { stores, begin, time } = network();
    await begin();
    const stop = new AbortController();
    let turns = 0;
    const flaky = {
      ...stores.rollouts,
      turnDue: async (...args: Parameters<typeof stores.rollouts.turnDue>) => {
        turns += 1;
        if (turns === 1) throw new Error('the database is away');
        return stores.rollouts.turnDue(...args);
      },
    } as typeof stores.rollouts;
    const sleeps: number[] = [];
    const timers = {
      sleep: async (ms: number) => {
        sleeps.push(ms);
        time.now += ms;
        if (sleeps.length === 3) stop.abort();
      },
    };
    await runTicks(flaky, { timers, log: QUIET }, SETTINGS, { idleMs: 20, afterErrorMs: 500 }, stop.signal);
    expect(sleeps).toEqual([500, 20, 20]);
  });
});
