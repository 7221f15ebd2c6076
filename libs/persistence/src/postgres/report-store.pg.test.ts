import { randomUUID } from 'node:crypto';
import type { Report } from '@openward/contracts';
import { aState, evidenceOf } from '@openward/rollout/testing';
import { until } from '@openward/testkit';
import { describe, expect, it } from 'vitest';
import { aReport, changeOf, ENGINE, QUIET, refOf, rolloutOf, startIn, WORLDS } from './rollout-worlds.fixture.ts';

describe.each(WORLDS)('a report store %s', (_, open) => {
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
