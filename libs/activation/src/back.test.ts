import { describe, expect, it } from 'vitest';
import { isSame } from './model.ts';
import { reportOf } from './report.ts';
import { type Bench, first, second, settled } from './testing/bench.ts';
import { anAssignment } from './testing/documents.ts';

const service = 'triage';
const third = anAssignment({ number: 3, rollbackTarget: second().release.digest });
const active = (): Bench => settled().desired([second()]).until('active');
const completed = (): Bench => {
  const bench = active();
  bench.judge('ok');
  return bench.desired([second({ phase: 'complete' })]);
};
const stateOf = (bench: Bench) => reportOf(bench.state).services[0]!;
const arrive = (bench: Bench): Bench => {
  while (bench.record.attempt?.progress.at === 'goingBack' && bench.answer());
  return bench;
};
const kinds = (bench: Bench): readonly string[] => bench.effects.map((effect) => effect.kind);

describe('R4: going back needs no permit, gate or consent', () => {
  it('follows the network at once', () => {
    const bench = arrive(active().desired([second({ phase: 'rollBack' })]));
    expect(stateOf(bench)).toMatchObject({
      active: first().release.digest,
      assignment: { step: 'rolledBack', outcome: 'rolledBack', reason: 'rolledBackByNetwork' },
    });
  });

  it('is held by the pin of the site, and shown, until the pin is lifted (R6)', () => {
    const bench = active();
    bench.command({ kind: 'pin', service });
    bench.desired([second({ phase: 'rollBack' })]);
    expect(stateOf(bench)).toMatchObject({ active: second().release.digest, assignment: { waitsFor: 'pinned' } });
    bench.command({ kind: 'unpin', service });
    expect(stateOf(arrive(bench)).active).toBe(first().release.digest);
  });

  it('goes on after a restart', () => {
    const bench = active()
      .desired([second({ phase: 'rollBack' })])
      .restart();
    expect(arrive(bench).step).toBe('rolledBack');
  });

  it('stops serving what failed when its target has to be loaded first', () => {
    const bench = active();
    bench.send({ kind: 'runtimeExited' });
    bench.desired([second({ phase: 'rollBack' })]);
    expect(kinds(bench)).toContain('stop');
    expect(arrive(bench).work.served).toEqual(bench.record.active);
  });
});

describe('N1: what became of it is told honestly', () => {
  it('says that nothing was changed when nothing had been switched', () => {
    const bench = settled()
      .desired([second()])
      .until('evaluating')
      .desired([second({ phase: 'rollBack' })]);
    expect(stateOf(bench).assignment).toMatchObject({ step: 'superseded', outcome: 'noChange', reason: 'withdrawn' });
  });

  it('says that it could not go back when the target does not load', () => {
    const bench = active();
    bench.send({ kind: 'runtimeExited' });
    bench.desired([second({ phase: 'rollBack' })]);
    while (bench.work.loading?.key !== bench.record.active?.key) bench.answer();
    const { task } = bench.work.loading!;
    bench.send({ kind: 'loadFailed', service, task, code: 'modelNotLoadable', reference: '' });
    expect(stateOf(bench)).toMatchObject({ serving: 'notServing', assignment: { outcome: 'unableToRollBack' } });
  });

  it('refuses to set out without what it would go back to', () => {
    const bench = settled().desired([anAssignment({ number: 3, rollbackTarget: third.planHash })]);
    expect(stateOf(bench).assignment).toMatchObject({ step: 'failed', outcome: 'noChange', reason: 'targetMissing' });
  });

  it('has no outcome for what stays active when a newer assignment takes its place', () => {
    const bench = active();
    const { id } = bench.assignment;
    bench.desired([third]);
    const end = bench.entries.find((entry) => entry.kind === 'ended');
    expect(end).toMatchObject({ end: { step: 'superseded' } });
    expect(end).not.toHaveProperty('end.outcome');
    expect(bench.record.past).toContain(id);
    expect(bench.record.active?.release).toBe(second().release.digest);
  });
});

describe('a recall', () => {
  const recall = (bench: Bench, ...releases: readonly string[]): Bench =>
    bench.desired([bench.assignment], { recalled: [...releases] });

  it('stops the release before anything is written, and goes to the last good one', () => {
    const bench = recall(active(), second().release.digest);
    expect(kinds(bench).indexOf('stop')).toBeLessThan(kinds(bench).lastIndexOf('journal'));
    expect(stateOf(arrive(bench))).toMatchObject({
      active: first().release.digest,
      serving: 'serving',
      assignment: { step: 'rolledBack', outcome: 'rolledBack', reason: 'recalled' },
    });
  });

  it('is not held by a pin', () => {
    const bench = active();
    bench.command({ kind: 'pin', service });
    expect(stateOf(arrive(recall(bench, second().release.digest))).active).toBe(first().release.digest);
  });

  it('leaves the service without a release where the last good one is recalled too', () => {
    const bench = recall(active(), second().release.digest, first().release.digest);
    expect(stateOf(arrive(bench))).toMatchObject({ active: null, serving: 'notServing' });
  });

  it('ends an attempt that has switched nothing', () => {
    const bench = recall(settled().desired([second()]).until('awaitingPermit'), second().release.digest);
    expect(stateOf(bench).assignment).toMatchObject({ step: 'superseded', outcome: 'noChange', reason: 'recalled' });
  });

  it('holds for ever, also when a later document does not name it', () => {
    const bench = recall(active(), second().release.digest);
    arrive(bench).desired([anAssignment({ number: 2, attempt: 2, rollbackTarget: first().release.digest })]);
    expect(stateOf(bench).assignment).toMatchObject({ step: 'superseded', reason: 'recalled' });
  });

  it('goes to nothing that the plan did not name: an old anchor is for a person to choose', () => {
    const bench = completed().desired([third]).until('active');
    bench.judge('ok');
    bench.desired([{ ...third, phase: 'complete' }]);
    recall(bench, third.release.digest);
    expect(stateOf(bench)).toMatchObject({
      active: null,
      serving: 'notServing',
      anchor: first().release.digest,
      assignment: { outcome: 'unableToRollBack' },
    });
  });
});

describe('N5: the site’s own brakes', () => {
  it('stops a halted service before anything is written, and keeps it so whatever the network says', () => {
    const bench = active();
    bench.command({ kind: 'halt', service });
    expect(kinds(bench)[kinds(bench).indexOf('stop') + 1]).toBe('journal');
    expect(stateOf(bench).serving).toBe('halted');
    bench.restart().desired([third]);
    bench.pass(1000);
    expect(stateOf(bench).serving).toBe('halted');
    bench.command({ kind: 'resume', service });
    while (!isSame(bench.work.served, bench.record.active)) bench.answer();
    expect(stateOf(bench).serving).toBe('serving');
  });

  it('goes back on the site’s word, and stays there', () => {
    const bench = active();
    bench.command({ kind: 'rollback', service });
    expect(stateOf(arrive(bench))).toMatchObject({
      active: first().release.digest,
      pinned: true,
      assignment: { reason: 'rolledBackBySite', outcome: 'rolledBack' },
    });
    bench.desired([third.attempt === 1 ? { ...third, rollbackTarget: first().release.digest } : third]);
    bench.until('awaitingPermit');
    expect(bench.work.waits).toBe('pinned');
  });

  it('goes back to the anchor when the rollout is over', () => {
    const bench = completed();
    bench.command({ kind: 'rollback', service });
    expect(stateOf(arrive(bench))).toMatchObject({ active: first().release.digest, pinned: true });
  });

  it('never goes forward again: a second step back finds nothing earlier, and says so', () => {
    const bench = completed();
    bench.command({ kind: 'rollback', service });
    arrive(bench);
    expect(bench.command({ kind: 'rollback', service })).toEqual({ done: false, why: 'nothingToGoBackTo' });
    expect(stateOf(arrive(bench))).toMatchObject({ active: first().release.digest, pinned: true });
  });

  it('never goes forward again where the release had been left by a rollout too', () => {
    const bench = active();
    bench.command({ kind: 'rollback', service });
    arrive(bench);
    expect(bench.command({ kind: 'rollback', service })).toEqual({ done: false, why: 'nothingToGoBackTo' });
    expect(stateOf(arrive(bench))).toMatchObject({ active: first().release.digest });
  });

  it('changes nothing where it refuses', () => {
    const bench = settled();
    const before = JSON.stringify(bench.state.durable);
    expect(bench.command({ kind: 'rollback', service })).toEqual({ done: false, why: 'nothingToGoBackTo' });
    expect(bench.command({ kind: 'halt', service: 'nobody' })).toEqual({ done: false, why: 'unknownService' });
    expect(JSON.stringify(bench.state.durable)).toBe(before);
  });
});
