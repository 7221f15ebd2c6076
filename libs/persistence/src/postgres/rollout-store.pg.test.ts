import { assignmentOf } from '@openward/rollout';
import { aState, evidenceOf, inputOf } from '@openward/rollout/testing';
import { until } from '@openward/testkit';
import { describe, expect, it } from 'vitest';
import {
  aReport,
  audited,
  BOOT,
  changed,
  changeOf,
  dueNow,
  ENGINE,
  newestOf,
  QUIET,
  refOf,
  rolloutOf,
  startIn,
  WORLDS,
} from './rollout-worlds.fixture.ts';

describe.each(WORLDS)('a rollout store %s', (_, open) => {
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
    await world.reports.append(aReport('a', 2, aState({ services: [service] })), 0);
    await world.reports.append(aReport('a', 1), 0);
    const done = await world.rollouts.turnOne(state.id, ['a'], ({ inputs }) => ({ change: null, result: inputs }));
    const [input] = done?.result ?? [];
    expect(input).toEqual({ node: 'a', boot: BOOT, seq: 2, at: input?.at, service, evidence });
    expect(Math.abs((input?.at ?? 0) - Date.now())).toBeLessThan(5000);
  });
});
