import { describe, expect, it } from 'vitest';
import type { Effect } from './events.ts';
import { reportOf } from './report.ts';
import { type Bench, first, second, settled } from './testing/bench.ts';
import { anAssignment } from './testing/documents.ts';
import { heldFor } from './testing/simulated-disk.ts';

// Releases that differ in their policy alone: one model in memory, under one key, and two releases all the same.

const policyOnly = (rest: Parameters<typeof second>[0] = {}) => second({ variant: first().variant, ...rest });
const { key } = heldFor(first());

/** Everything that the machine asks for while `act` runs and what follows is answered well. */
function during(bench: Bench, act: () => void): readonly Effect[] {
  const effects: Effect[] = [];
  const send = bench.send.bind(bench);
  bench.send = (event) => {
    const made = send(event);
    effects.push(...made);
    return made;
  };
  act();
  bench.send = send;
  return effects;
}
const kindsOf = (effects: readonly Effect[]): readonly string[] => effects.map(({ kind }) => kind);
const active = (): Bench => settled().desired([policyOnly()]).until('active');

describe('a change of policy alone', () => {
  it('loads nothing and unloads nothing from the offer to the commit, and is evaluated, switched to and probed all the same', () => {
    const bench = settled();
    const effects = during(bench, () => {
      bench.desired([policyOnly()]).until('active').judge('ok');
      bench.desired([policyOnly({ phase: 'complete' })]);
    });
    const kinds = kindsOf(effects);
    expect(kinds).not.toContain('load');
    expect(kinds).not.toContain('unload');
    expect(kinds).not.toContain('stop');
    for (const kind of ['fetch', 'verify', 'evaluate', 'askPermit', 'switchTo', 'probe', 'judge']) {
      expect(kinds).toContain(kind);
    }
    expect(bench.work).toMatchObject({ loaded: [key], served: { key, release: policyOnly().release.digest } });
    expect(reportOf(bench.state).services[0]).toMatchObject({
      active: policyOnly().release.digest,
      lastGood: policyOnly().release.digest,
    });
  });

  it('N8 is under the chain that its files have had since they were first loaded', () => {
    const bench = settled().desired([policyOnly()]).until('evaluating');
    expect(bench.record.active?.chain).not.toBeNull();
    expect(bench.record.attempt?.progress).toMatchObject({ candidate: { chain: bench.record.active!.chain } });
  });

  it('goes back with no load, told by the network, by the site or by a failed probe', () => {
    const ways: readonly ((bench: Bench) => void)[] = [
      (bench) => bench.desired([policyOnly({ phase: 'rollBack' })]),
      (bench) => bench.command({ kind: 'rollback', service: 'triage' }),
      (bench) => bench.judge('over', false),
    ];
    for (const back of ways) {
      const bench = active();
      const effects = during(bench, () => {
        back(bench);
        while (bench.record.attempt?.progress.at === 'goingBack' && bench.answer());
      });
      for (const kind of ['load', 'unload', 'stop', 'fetch', 'askPermit']) expect(kindsOf(effects)).not.toContain(kind);
      expect(bench.work.served).toMatchObject({ release: first().release.digest });
      expect(bench.record.attempt?.progress).toMatchObject({ end: { outcome: 'rolledBack' } });
    }
  });

  it('recalled, leaves for the release that it shares its model with, and that is not recalled', () => {
    const bench = active();
    const { digest } = policyOnly().release;
    const effects = during(bench, () => {
      bench.desired([policyOnly()], { recalled: [digest] });
      while (bench.answer());
    });
    expect(kindsOf(effects)).not.toContain('load');
    expect(bench.work.served).toMatchObject({ release: first().release.digest });
    expect(bench.record.active?.release).toBe(first().release.digest);
  });

  it('is not ended by a switch to the release that serves, which fails', () => {
    const bench = settled().desired([policyOnly()]).until('evaluating').restart();
    while (bench.work.switching === null) bench.answer();
    const held = bench.work.switching;
    expect(held.release).toBe(first().release.digest);
    for (let tries = 0; tries < 6; tries++) {
      bench.send({ kind: 'switchFailed', service: 'triage', held, reference: '' });
      bench.pass(60_000);
      while (bench.work.switching === null && bench.work.loading !== null) bench.answer();
    }
    expect(bench.record.attempt?.progress.at).toBe('staged');
  });

  it('that cannot be switched to goes back as such, and no model is blamed or loaded again for it', () => {
    const bench = settled().desired([policyOnly()]).until('activating');
    const tried: number[] = [];
    const effects = during(bench, () => {
      while (bench.record.attempt?.progress.at === 'activated') {
        const held = bench.work.switching;
        if (held === null) {
          bench.pass(1000);
          continue;
        }
        tried.push(bench.monotonic);
        bench.send({ kind: 'switchFailed', service: 'triage', held, reference: 'ref-1' });
      }
      while (bench.answer());
    });
    expect(tried.map((at, index) => at - (tried[index - 1] ?? at))).toEqual([0, 1000, 2000, 4000, 8000]);
    for (const kind of ['load', 'unload']) expect(kindsOf(effects)).not.toContain(kind);
    expect(bench.record.attempt?.progress).toMatchObject({
      at: 'ended',
      end: { outcome: 'rolledBack', reason: 'switchFailed', reference: 'ref-1' },
    });
    expect(bench.work).toMatchObject({ served: { release: first().release.digest }, loaded: [key] });
  });

  it('is ended by files that cannot be loaded, as the release that serves cannot be loaded any more either', () => {
    const bench = settled().desired([policyOnly()]).until('evaluating');
    bench.send({ kind: 'runtimeExited' });
    const task = bench.work.loading?.task ?? 0;
    bench.send({ kind: 'loadFailed', service: 'triage', task, code: 'modelNotLoadable', reference: '' });
    expect(bench.record.attempt?.progress).toMatchObject({ at: 'ended', end: { outcome: 'noChange' } });
    expect(bench.record.active?.release).toBe(first().release.digest);
  });

  it('judged late, of the release that it came after, says nothing of it', () => {
    const bench = active();
    bench.pass(100);
    bench.send({ kind: 'judged', service: 'triage', held: heldFor(first()), final: false, verdict: 'over' });
    expect(bench.step).toBe('active');
  });
});

describe('two releases of one service after each other, of one model', () => {
  it('let the model go when neither is served, kept or gone back to any more', () => {
    const bench = active();
    bench.judge('ok');
    bench.desired([policyOnly({ phase: 'complete' })]);
    const third = anAssignment({ number: 3, rollbackTarget: policyOnly().release.digest });
    const effects = during(bench, () => {
      bench.desired([third]).until('active').judge('ok');
      bench.desired([{ ...third, phase: 'complete' }]);
    });
    expect(effects.filter(({ kind }) => kind === 'load')).toHaveLength(1);
    expect(effects.filter((effect) => effect.kind === 'unload').map((effect) => effect.key)).toEqual([key]);
  });
});
