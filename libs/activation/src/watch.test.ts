import { describe, expect, it } from 'vitest';
import { reportOf } from './report.ts';
import { type Bench, first, second, settled } from './testing/bench.ts';
import { anAssignment } from './testing/documents.ts';

const service = 'triage';
const active = (): Bench => settled().desired([second()]).until('active');
const committed = (): Bench => {
  const bench = active();
  bench.judge('ok');
  return bench.desired([second({ phase: 'commit' })]);
};
const stateOf = (bench: Bench) => reportOf(bench.state).services[0]!;
const probe = (bench: Bench, result: 'ok' | 'failed' | 'timedOut'): void => {
  const { probe: at } = bench.work;
  if (at.state !== 'running') throw new Error('no probe runs');
  bench.send({ kind: 'probed', service, task: at.task, result, reference: '0a0b0c0d' });
};
const goBack = (bench: Bench): Bench => {
  while (bench.record.attempt?.progress.at === 'goingBack' && bench.answer());
  return bench;
};
const exit = (bench: Bench): void => void bench.send({ kind: 'runtimeExited' });

describe('N4: before the commit the node goes back by itself', () => {
  it.each([
    ['failed', 'probeFailed'],
    ['timedOut', 'probeTimedOut'],
  ] as const)('when its probe has %s', (result, reason) => {
    const bench = settled().desired([second()]).until('probing');
    probe(bench, result);
    expect(goBack(bench).record.active?.release).toBe(first().release.digest);
    expect(stateOf(bench).assignment).toMatchObject({ step: 'failed', outcome: 'rolledBack', reason });
    expect(stateOf(bench).active).toBe(first().release.digest);
  });

  it('when the runtime has exited three times in ten minutes', () => {
    const bench = active();
    exit(bench);
    bench.pass(1000);
    exit(bench);
    expect(bench.record.attempt?.progress.at).toBe('activated');
    exit(bench);
    expect(goBack(bench).record.active?.release).toBe(first().release.digest);
    expect(stateOf(bench).assignment).toMatchObject({ outcome: 'rolledBack', reason: 'runtimeExited' });
  });

  it('not when the three are further apart', () => {
    const bench = active();
    bench.judge('ok');
    for (let exits = 0; exits < 5; exits++) {
      exit(bench);
      bench.pass(400_000);
      while (bench.answer());
    }
    expect(bench.step).toBe('active');
  });

  it('when its share of errors is over, seen at any time of the soak (R3)', () => {
    const bench = active();
    bench.judge('over', false);
    expect(goBack(bench).step).toBe('failed');
    expect(stateOf(bench).assignment).toMatchObject({ reason: 'soakErrorsOver' });
  });

  it('by no less than the floor of every node, whatever the plan says (R3)', () => {
    const low = { soakMs: 2000, errorShare: 0, minRequests: 1, restarts: 3, probeTimeoutMs: 1000 };
    const bench = settled()
      .desired([second({ soak: low })])
      .until('active');
    bench.pass(600);
    const limits = bench.effects.flatMap((effect) => (effect.kind === 'judge' ? [effect.limits] : []));
    expect(limits.length).toBeGreaterThan(0);
    for (const one of limits) expect(one).toMatchObject({ errorShare: 0.01, minRequests: 20, minFailed: 3 });
  });

  it('with no load and no byte, since the target stayed loaded (R6)', () => {
    const bench = active();
    bench.judge('over');
    const kinds = bench.effects.map((effect) => effect.kind);
    expect(kinds).toContain('switchTo');
    expect(kinds).not.toContain('fetch');
    expect(kinds).not.toContain('load');
  });
});

describe('N4: after the commit the node never changes release', () => {
  it('loads again with back-off, however often the runtime exits, and says degraded', () => {
    const bench = committed();
    for (let exits = 0; exits < 6; exits++) exit(bench);
    expect(bench.record.active?.release).toBe(second().release.digest);
    expect(stateOf(bench).serving).toBe('degraded');
    expect(bench.effects.map((effect) => effect.kind)).not.toContain('load');
    bench.pass(60_000);
    while (bench.answer());
    expect(stateOf(bench).serving).toBe('serving');
    expect(bench.step).toBe('committed');
  });

  it('probes again with back-off when a probe fails', () => {
    const bench = committed().restart();
    while (bench.work.probe.state !== 'running') bench.answer();
    probe(bench, 'failed');
    expect(stateOf(bench).serving).toBe('degraded');
    bench.pass(1000);
    probe(bench, 'failed');
    expect(bench.pass(1000).work.probe.state).toBe('resting');
    expect(bench.pass(1000).work.probe.state).toBe('running');
    expect(bench.record.active?.release).toBe(second().release.digest);
  });
});

describe('R2: a node soaks on its own clock, from its own probe', () => {
  it('waits for the probe again after a restart, keeps what was soaked to a quarter, and counts the restart', () => {
    const bench = active();
    bench.pass(1100).restart();
    expect(bench.work.soakSince).toBeNull();
    expect(stateOf(bench).assignment).toMatchObject({ soak: 'running', restarts: 1 });
    while (bench.work.soakSince === null) bench.answer();
    bench.pass(500);
    const finals = (): readonly boolean[] =>
      bench.effects.flatMap((effect) => (effect.kind === 'judge' ? [effect.limits.final] : []));
    expect(finals()).not.toContain(true);
    bench.pass(600);
    expect(finals()).toContain(true);
  });

  it('fails after more restarts than the plan allows', () => {
    const bench = active();
    for (let restarts = 0; restarts < 4; restarts++) bench.restart();
    while (bench.record.attempt?.progress.at === 'goingBack') bench.answer();
    expect(stateOf(bench).assignment).toMatchObject({ step: 'failed', reason: 'soakRestartsOver', restarts: 4 });
    expect(stateOf(bench).active).toBe(first().release.digest);
  });

  it('takes a probe that fails while the runtime comes up again for no failure, twice', () => {
    const bench = active();
    exit(bench);
    for (const result of ['failed', 'failed', 'ok'] as const) {
      bench.pass(5000);
      while (bench.work.probe.state !== 'running') bench.answer();
      probe(bench, result);
    }
    expect(bench.step).toBe('active');
    expect(bench.work.soakSince).not.toBeNull();
  });

  it('commits when the wave has passed and its own soak has ended, whichever comes last', () => {
    const bench = active().desired([second({ phase: 'commit' })]);
    expect(bench.step).toBe('active');
    bench.judge('tooFewRequests');
    expect(bench.step).toBe('committed');
  });
});

describe('R6: last good', () => {
  it('is what was committed in a rollout that is over; until then the target counts as it, on disk and loaded', () => {
    const bench = committed();
    expect(stateOf(bench).lastGood).toBe(first().release.digest);
    expect(bench.work.loaded).toHaveLength(2);
    bench.desired([second({ phase: 'complete' })]);
    expect(stateOf(bench)).toMatchObject({
      lastGood: second().release.digest,
      anchor: first().release.digest,
    });
    expect(bench.work.loaded).toHaveLength(1);
  });

  // Only the newest document counts, and the next rollout can begin before this node has heard that the last one is over.
  it.each([
    ['the network says so by going back to it', second().release.digest, second().release.digest],
    ['and is not, where the network goes back to another', first().release.digest, first().release.digest],
  ])('is what was committed, where the next rollout is heard of first: %s', (_what, rollbackTarget, lastGood) => {
    const bench = committed().desired([anAssignment({ number: 3, from: second().release.digest, rollbackTarget })]);
    expect(stateOf(bench)).toMatchObject({ active: second().release.digest, lastGood });
    expect(bench.step).toBe('awaitingPreparation');
  });
});
