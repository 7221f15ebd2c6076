import type { NodeRef, RolloutState } from '@openward/rollout';
import { until } from '@openward/testkit';
import { describe, expect, it } from 'vitest';
import {
  aReport,
  changeOf,
  newestOf,
  QUIET,
  refOf,
  rolloutOf,
  startIn,
  WORLDS,
  type World,
} from './rollout-worlds.fixture.ts';

describe.each(WORLDS)('an outbox %s', (_, open) => {
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
