import { randomUUID } from 'node:crypto';
import type { Report, StateBody } from '@openward/contracts';
import type {
  AuditAction,
  Change,
  NodeRef,
  OutboxStore,
  ReportStore,
  RolloutState,
  RolloutStore,
} from '@openward/rollout';
import { assignmentOf } from '@openward/rollout';
import { aRollout, evidenceOf, inputOf, memoryStores } from '@openward/rollout/testing';
import { until, withDatabase } from '@openward/testkit';
import { describe, expect, it } from 'vitest';
import { MIGRATED, openOn, putNode } from './testing-fixtures.ts';

// What the drivers of rollouts rely on, held by the store in memory and by PostgreSQL alike.

interface World extends AsyncDisposable {
  readonly rollouts: RolloutStore;
  readonly outbox: OutboxStore;
  readonly reports: ReportStore;
  enrol(node: NodeRef): Promise<void>;
  revoke(node: NodeRef): Promise<void>;
  auditActions(): Promise<readonly AuditAction[]>;
}

async function inMemory(): Promise<World> {
  const stores = memoryStores({ wall: () => Date.now() });
  const { tables } = stores;
  return {
    ...stores,
    enrol: async (node) => stores.enrol(node),
    revoke: async ({ node }) => {
      const row = tables.nodes.get(node);
      if (row !== undefined) tables.nodes.set(node, { ...row, revoked: true });
    },
    auditActions: async () => tables.audit.map((it) => it.action),
    async [Symbol.asyncDispose]() {},
  };
}

async function onPostgres(): Promise<World> {
  const opened = openOn(await withDatabase(MIGRATED));
  const { db, rolloutStore, outbox, reports } = opened.persistence;
  return {
    rollouts: rolloutStore,
    outbox,
    reports,
    enrol: (node) => putNode(db, node),
    revoke: async ({ node }) => {
      await db.updateTable('nodes').set({ revoked_at: new Date() }).where('name', '=', node).execute();
    },
    auditActions: async () => {
      const rows = await db
        .selectFrom('audit')
        .where('subject', 'like', 'rollout:%')
        .orderBy('id')
        .selectAll()
        .execute();
      return rows.map((it) => it.action as AuditAction);
    },
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

const refOf = (node: string): NodeRef => ({ site: `${node}-hospital`, node });
const BOOT = '00000000-0000-4000-8000-000000000001';
const LEDGER = { seq: 1, head: `sha256:${'0'.repeat(64)}` };
const ENGINE = 1;
const QUIET = { effects: [], dueAt: null, open: true } as const;

const aState = (services: StateBody['services'] = []): StateBody => ({
  type: 'state',
  agentVersion: '0.1.0',
  protocol: 1,
  generation: null,
  class: {
    threads: 2,
    memoryGiB: 4,
    diskGiB: 256,
    diskFreePercent: 50,
    runtime: 'llamaCpp',
    runtimeServers: 1,
    runtimeVersion: '3.21.1',
    runtimeSafe: 'safe',
  },
  uptimeHours: 0,
  services,
  suites: [],
});

function aReport(node: string, seq: number, body: Report['body'] = aState(), boot = BOOT): Report {
  return { v: 1, ...refOf(node), boot, seq, ledger: LEDGER, body };
}

/** As `aRollout`, with an id of its own. */
function rolloutOf(nodes: readonly string[], id = 'ro-aaaaaaaa'): RolloutState {
  return { ...aRollout([nodes]), id };
}

function changeOf(state: RolloutState, more: Partial<Change> = {}): Change & { readonly state: RolloutState } {
  const effects = Object.keys(state.nodes).flatMap((node) => {
    const assignment = assignmentOf(state, node);
    return assignment === null ? [] : [{ kind: 'setAssignment' as const, ...refOf(node), assignment }];
  });
  return { effects, dueAt: null, open: true, ...more, state };
}

async function startIn(world: World, state: RolloutState, more: Partial<Change> = {}): Promise<void> {
  for (const node of Object.keys(state.nodes)) await world.enrol(refOf(node));
  await world.rollouts.start(state.service, () => ({
    start: { rollout: changeOf(state, more), others: [] },
    result: null,
  }));
}

const audited = (state: RolloutState, action: AuditAction) => ({
  kind: 'audit' as const,
  entry: {
    at: state.startedAt,
    by: 'ada',
    action,
    rollout: state.id,
    planHash: state.plan.hash,
    wave: null,
    node: null,
    reason: null,
    detail: null,
  },
});

const dueNow = (): number => Date.now() - 1000;
/** The pause that an admin made: any change will do. */
const changed = (state: RolloutState): RolloutState => ({ ...state, wave: state.wave + 1 });
const newestOf = async (world: World, node: string) => (await world.outbox.newest(refOf(node)))?.state ?? null;

describe.each([
  ['in memory', inMemory],
  ['on PostgreSQL', onPostgres],
])('a rollout store %s', (_, open) => {
  it('stores a start whole: state, assignments, generations, outbox and audit (R9)', async () => {
    await using world = await open();
    const state = rolloutOf(['a', 'b']);
    const effects = [...changeOf(state).effects, audited(state, 'rolloutStarted'), audited(state, 'waveStarted')];
    await startIn(world, state, { effects });

    expect(await world.rollouts.read(state.id)).toEqual({ state, version: 1 });
    expect(await world.auditActions()).toEqual(['rolloutStarted', 'waveStarted']);
    const claimed = await world.outbox.claim(10, 60_000);
    expect(claimed.map((it) => it.node).toSorted()).toEqual(['a', 'b']);
    const told = await newestOf(world, 'a');
    expect(told?.services).toEqual([{ service: 'triage', assignment: assignmentOf(state, 'a') }]);
    expect(told?.generation.epoch).toBe(1);
  });

  it('raises a generation once a call, however many assignments it sets for a node', async () => {
    await using world = await open();
    const state = rolloutOf(['a']);
    await startIn(world, state);
    const before = (await newestOf(world, 'a'))?.generation.number ?? 0;
    const { effects } = changeOf(state);
    await world.rollouts.turnOne(state.id, 'all', () => ({
      change: { ...QUIET, state: null, effects: [...effects, ...effects] },
      result: null,
    }));
    expect((await newestOf(world, 'a'))?.generation).toEqual({ epoch: 1, number: before + 1 });
    expect(await world.outbox.claim(10, 60_000)).toHaveLength(1);
  });

  it('writes nothing where a start is refused, or where its turn throws', async () => {
    await using world = await open();
    const state = rolloutOf(['a']);
    expect(await world.rollouts.start('triage', () => ({ start: null, result: 'refused' }))).toBe('refused');
    const broken = world.rollouts.start('triage', () => {
      throw new Error('broken');
    });
    await expect(broken).rejects.toThrow('broken');
    expect(await world.rollouts.read(state.id)).toBeNull();
    expect(await world.auditActions()).toEqual([]);
  });

  it('refuses a second rollout of the same id, and leaves the first as it was', async () => {
    await using world = await open();
    const state = rolloutOf(['a']);
    await startIn(world, state);
    const second = changeOf(changed(state));
    await expect(
      world.rollouts.start('triage', () => ({ start: { rollout: second, others: [] }, result: null })),
    ).rejects.toBeInstanceOf(Error);
    expect(await world.rollouts.read(state.id)).toEqual({ state, version: 1 });
  });

  it('shows a start the open rollouts of its service, and writes those that it takes nodes from first (R5)', async () => {
    await using world = await open();
    const [first, second] = [rolloutOf(['a']), rolloutOf(['a'], 'ro-bbbbbbbb')];
    await startIn(world, first);
    const closed = rolloutOf(['b'], 'ro-cccccccc');
    await startIn(world, closed, { open: false });
    const seen = await world.rollouts.start('triage', ({ others }) => ({
      start: { rollout: changeOf(second), others: [{ ...changeOf(changed(first)), open: false }] },
      result: others,
    }));
    expect(seen).toEqual([first]);
    expect(await world.rollouts.read(first.id)).toEqual({ state: changed(first), version: 2 });
    expect((await newestOf(world, 'a'))?.services[0]?.assignment?.rollout).toBe(second.id);
    expect(await world.rollouts.openOf(second.plan.release.digest)).toEqual([second.id]);
  });

  it('starts for two services or one, each seeing those that were stored before it', async () => {
    await using world = await open();
    const all = ['ro-aaaaaaaa', 'ro-bbbbbbbb', 'ro-cccccccc'].map((id, index) => rolloutOf([`n${index}`], id));
    for (const node of ['n0', 'n1', 'n2']) await world.enrol(refOf(node));
    const seen = await Promise.all(
      all.map((state) =>
        world.rollouts.start('triage', ({ others }) => ({
          start: { rollout: changeOf(state), others: [] },
          result: others.length,
        })),
      ),
    );
    expect(seen.toSorted((a, b) => a - b)).toEqual([0, 1, 2]);
  });

  it('turns what is due, and not again until its change or a report says so', async () => {
    await using world = await open();
    const state = rolloutOf(['a']);
    await startIn(world, state, { dueAt: dueNow() });
    const untouched = await world.rollouts.turnDue(ENGINE, ({ state: found }) => ({ change: null, result: found.id }));
    expect(untouched).toEqual({ result: state.id });

    const turned = await world.rollouts.turnDue(ENGINE, ({ state: found, now }) => ({
      change: { ...QUIET, state: changed(found), dueAt: now + 3_600_000 },
      result: now,
    }));
    expect(Math.abs((turned?.result ?? 0) - Date.now())).toBeLessThan(5000);
    expect(await world.rollouts.turnDue(ENGINE, () => ({ change: null, result: null }))).toBeNull();
    expect(await world.rollouts.read(state.id)).toEqual({ state: changed(state), version: 2 });

    await world.reports.append(aReport('a', 1), 0);
    const again = () => world.rollouts.turnDue(ENGINE, ({ state: it }) => ({ change: null, result: it.id }));
    await until(async () => (await again()) !== null, { within: 5000, what: 'the report to make it due' });
  });

  it('keeps state and version where a change says that the state is as it was', async () => {
    await using world = await open();
    const state = rolloutOf(['a']);
    await startIn(world, state, { dueAt: dueNow() });
    await world.rollouts.turnDue(ENGINE, () => ({ change: { ...QUIET, state: null, open: false }, result: null }));
    expect(await world.rollouts.read(state.id)).toEqual({ state, version: 1 });
    expect(await world.rollouts.openOf(state.plan.release.digest)).toEqual([]);
  });

  it('writes nothing where a turn throws, and it is due as before', async () => {
    await using world = await open();
    const state = rolloutOf(['a']);
    await startIn(world, state, { dueAt: dueNow() });
    const broken = world.rollouts.turnDue(ENGINE, () => {
      throw new Error('broken');
    });
    await expect(broken).rejects.toThrow('broken');
    expect(await world.rollouts.turnDue(ENGINE, () => ({ change: null, result: 1 }))).toEqual({ result: 1 });
  });

  it('leaves rows of a newer engine alone (V2)', async () => {
    await using world = await open();
    await startIn(world, { ...rolloutOf(['a']), engine: 2 }, { dueAt: dueNow() });
    expect(await world.rollouts.turnDue(1, () => ({ change: null, result: null }))).toBeNull();
    expect(await world.rollouts.turnDue(2, () => ({ change: null, result: null }))).not.toBeNull();
  });

  it('turns nothing that is closed, and nothing at all while it is read-only (D6)', async () => {
    await using world = await open();
    const state = rolloutOf(['a']);
    await startIn(world, state, { dueAt: dueNow() });
    const cause = { node: 'a', reported: { epoch: 1, number: 99 }, held: { epoch: 1, number: 1 } };
    await world.reports.enterReadOnly(cause);
    await world.reports.enterReadOnly(cause);
    expect(await world.rollouts.turnDue(ENGINE, () => ({ change: null, result: null }))).toBeNull();
    const one = await world.rollouts.turnOne(state.id, [], ({ readOnly }) => ({ change: null, result: readOnly }));
    expect(one).toEqual({ result: true });
    expect(await world.rollouts.start('triage', ({ readOnly }) => ({ start: null, result: readOnly }))).toBe(true);
  });

  it('turns one by its id, closed or not, with the inputs of the nodes that are named', async () => {
    await using world = await open();
    const state = rolloutOf(['a', 'b']);
    await startIn(world, state, { open: false, dueAt: dueNow() });
    expect(await world.rollouts.turnDue(ENGINE, () => ({ change: null, result: null }))).toBeNull();
    await world.reports.append(aReport('a', 1), 0);
    await world.reports.append(aReport('b', 1), 0);
    const namesOf = async (of: readonly string[] | 'all') => {
      const done = await world.rollouts.turnOne(state.id, of, ({ inputs }) => ({ change: null, result: inputs }));
      return done?.result.map((it) => it.node);
    };
    expect(await namesOf(['b', 'nobody'])).toEqual(['b']);
    expect(await namesOf([])).toEqual([]);
    expect((await namesOf('all'))?.toSorted()).toEqual(['a', 'b']);
    expect(await world.rollouts.turnOne('ro-zzzzzzzz', 'all', () => ({ change: null, result: null }))).toBeNull();
  });

  it('gives the newest state of a node and the newest evidence for its present assignment, whatever came last', async () => {
    await using world = await open();
    const state = rolloutOf(['a']);
    await startIn(world, state);
    const { service } = inputOf(state, 'a', 1, { step: 'evaluating' });
    if (service === null) throw new Error('no service');
    const evidence = evidenceOf(state, 'a', null, 'withinMargin');
    await world.reports.append(aReport('a', 4, evidence), 0);
    await world.reports.append(aReport('a', 3, evidenceOf(state, 'a', null, 'tooFew')), 0);
    await world.reports.append(aReport('a', 5, { ...evidence, assignment: `${state.id}.a.7` }), 0);
    await world.reports.append(aReport('a', 2, aState([service])), 0);
    await world.reports.append(aReport('a', 1), 0);
    const done = await world.rollouts.turnOne(state.id, ['a'], ({ inputs }) => ({ change: null, result: inputs }));
    const [input] = done?.result ?? [];
    expect(input).toEqual({ node: 'a', boot: BOOT, seq: 2, at: input?.at, service, evidence });
    expect(Math.abs((input?.at ?? 0) - Date.now())).toBeLessThan(5000);
  });
});

describe.each([
  ['in memory', inMemory],
  ['on PostgreSQL', onPostgres],
])('an outbox %s', (_, open) => {
  const startedWith = async (world: World, nodes: readonly string[]): Promise<RolloutState> => {
    const state = rolloutOf(nodes);
    await startIn(world, state);
    return state;
  };
  const tellAgain = async (world: World, state: RolloutState): Promise<void> => {
    const { effects } = changeOf(state);
    await world.rollouts.turnOne(state.id, [], () => ({ change: { ...QUIET, state: null, effects }, result: null }));
  };
  const put = async (world: World, node: string, revision: number) => {
    const generation = (await newestOf(world, node))?.generation;
    if (generation === undefined) throw new Error(`${node} has no desired state`);
    return { generation, revision };
  };

  it('leases a node to one relay at a time, until the lease ends', async () => {
    await using world = await open();
    await startedWith(world, ['a', 'b']);
    const first = await world.outbox.claim(1, 2000);
    const second = await world.outbox.claim(5, 60_000);
    expect([...first, ...second].map((it) => it.node).toSorted()).toEqual(['a', 'b']);
    let third: readonly NodeRef[] = [];
    const isBack = async () => (third = await world.outbox.claim(5, 60_000)).length > 0;
    await until(isBack, { within: 20_000, what: 'the lease to end' });
    expect(third).toEqual(first);
  });

  it('gives the content as it stands now, not as it stood when the row was made (D3)', async () => {
    await using world = await open();
    const state = await startedWith(world, ['a']);
    await world.outbox.claim(5, 60_000);
    const before = (await newestOf(world, 'a'))?.generation.number ?? 0;
    await tellAgain(world, state);
    await world.reports.append(aReport('a', 1), 0);
    const newest = await world.outbox.newest(refOf('a'));
    expect(newest?.state).toMatchObject({ generation: { number: before + 1 }, ackedThrough: 1 });
  });

  it('keeps a newer row when an older state has been put, and gives up the lease (D3)', async () => {
    await using world = await open();
    const state = await startedWith(world, ['a']);
    await world.outbox.claim(5, 60_000);
    const older = await put(world, 'a', 7);
    await tellAgain(world, state);
    await world.outbox.done(refOf('a'), older);
    expect(await world.outbox.claim(5, 60_000)).toEqual([refOf('a')]);
    await world.outbox.done(refOf('a'), await put(world, 'a', 8));
    expect(await world.outbox.claim(5, 60_000)).toEqual([]);
    expect((await world.outbox.newest(refOf('a')))?.revision).toBe(8);
  });

  it('records a revision only if it is higher', async () => {
    await using world = await open();
    await startedWith(world, ['a']);
    await world.outbox.done(refOf('a'), await put(world, 'a', 9));
    await world.outbox.done(refOf('a'), await put(world, 'a', 3));
    expect((await world.outbox.newest(refOf('a')))?.revision).toBe(9);
  });

  it('claims a node that was put off again after the time that was given', async () => {
    await using world = await open();
    await startedWith(world, ['a']);
    await world.outbox.claim(5, 60_000);
    await world.outbox.putOff(refOf('a'), 60_000);
    expect(await world.outbox.claim(5, 60_000)).toEqual([]);
    await world.outbox.putOff(refOf('a'), 100);
    await until(async () => (await world.outbox.claim(5, 60_000)).length === 1, { within: 20_000, what: 'the claim' });
  });

  it('has nothing for a node that is unknown, was revoked, or was dropped', async () => {
    await using world = await open();
    await startedWith(world, ['a']);
    expect(await world.outbox.newest(refOf('nobody'))).toBeNull();
    await world.revoke(refOf('a'));
    expect(await world.outbox.newest(refOf('a'))).toBeNull();
    await world.outbox.drop(refOf('a'));
    expect(await world.outbox.claim(5, 60_000)).toEqual([]);
  });
});

describe.each([
  ['in memory', inMemory],
  ['on PostgreSQL', onPostgres],
])('a report store %s', (_, open) => {
  it('acknowledges the highest contiguous sequence, in whatever order reports come (D4)', async () => {
    await using world = await open();
    await world.enrol(refOf('a'));
    const acked: number[] = [];
    for (const seq of [2, 1, 5, 3, 4]) {
      const stored = await world.reports.append(aReport('a', seq), 0);
      if (stored.kind === 'unknownNode') throw new Error(stored.kind);
      acked.push(stored.ackedThrough);
    }
    expect(acked).toEqual([0, 2, 2, 3, 5]);
  });

  it('stores a report once, and says of the second that it is one (D4)', async () => {
    await using world = await open();
    await world.enrol(refOf('a'));
    const report = aReport('a', 1);
    const first = await world.reports.append(report, 0);
    expect(first).toMatchObject({ kind: 'stored', ackedBefore: 0, ackedThrough: 1 });
    expect(await world.reports.append(report, 0)).toMatchObject({ kind: 'duplicate', ackedBefore: 1, ackedThrough: 1 });
  });

  it('stores a sequence of another boot below what was acknowledged, and shows that it was (D4)', async () => {
    await using world = await open();
    await world.enrol(refOf('a'));
    for (const seq of [1, 2]) await world.reports.append(aReport('a', seq), 0);
    const restored = await world.reports.append(aReport('a', 1, aState(), randomUUID()), 0);
    expect(restored).toMatchObject({ kind: 'stored', ackedBefore: 2, ackedThrough: 2 });
  });

  it('writes nothing of a node that is unknown, revoked, or at another site', async () => {
    await using world = await open();
    await world.enrol(refOf('a'));
    expect(await world.reports.append(aReport('b', 1), 0)).toEqual({ kind: 'unknownNode' });
    expect(await world.reports.append({ ...aReport('a', 1), site: 'elsewhere' }, 0)).toEqual({ kind: 'unknownNode' });
    await world.revoke(refOf('a'));
    expect(await world.reports.append(aReport('a', 1), 0)).toEqual({ kind: 'unknownNode' });
  });

  it('says which generation is held, and null before the node was told anything (D6)', async () => {
    await using world = await open();
    await world.enrol(refOf('a'));
    expect(await world.reports.append(aReport('a', 1), 0)).toMatchObject({ held: null });
    const state = rolloutOf(['a']);
    await world.rollouts.start('triage', () => ({ start: { rollout: changeOf(state), others: [] }, result: null }));
    expect(await world.reports.append(aReport('a', 2), 0)).toMatchObject({ held: { epoch: 1, number: 1 } });
  });

  it('makes the open rollouts of the node due, and no others', async () => {
    await using world = await open();
    await startIn(world, rolloutOf(['a']));
    await startIn(world, rolloutOf(['b'], 'ro-bbbbbbbb'));
    await startIn(world, rolloutOf(['a'], 'ro-cccccccc'), { open: false });
    await world.reports.append(aReport('a', 1), 0);
    const turned: string[] = [];
    const turn = () =>
      world.rollouts.turnDue(ENGINE, ({ state }) => {
        turned.push(state.id);
        return { change: { ...QUIET, state: null }, result: null };
      });
    await until(async () => (await turn()) !== null, { within: 5000, what: 'the rollout to be due' });
    expect(await turn()).toBeNull();
    expect(turned).toEqual(['ro-aaaaaaaa']);
  });

  it('is due for a state or evidence that is news, and not for a state that repeats the one before', async () => {
    await using world = await open();
    const state = rolloutOf(['a']);
    await startIn(world, state);
    const turn = () => world.rollouts.turnDue(ENGINE, () => ({ change: { ...QUIET, state: null }, result: null }));
    const isNews = async (seq: number, body: Report['body']): Promise<boolean> => {
      await world.reports.append(aReport('a', seq, body), -1000);
      return (await turn()) !== null;
    };
    expect(await isNews(2, aState())).toBe(true);
    expect(await isNews(3, { ...aState(), uptimeHours: 1 })).toBe(false);
    expect(await isNews(4, { ...aState(), protocol: 2 })).toBe(true);
    expect(await isNews(1, { ...aState(), protocol: 3 })).toBe(false);
    expect(await isNews(6, evidenceOf(state, 'a'))).toBe(true);
    expect(await isNews(5, evidenceOf(state, 'a', 'tooFew'))).toBe(false);
  });
});
