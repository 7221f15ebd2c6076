import { describe, expect, it } from 'vitest';
import { keepOf } from './keep.ts';
import { Bench, first, second, settled } from './testing/bench.ts';
import type { Event } from './events.ts';
import { aDesiredState, anAssignment, RESULTS } from './testing/documents.ts';
import { heldFor } from './testing/simulated-disk.ts';

const service = 'triage';

describe('D6: generations', () => {
  it.each([
    ['a higher number', { epoch: 1, number: 6 }, true],
    ['a higher epoch with a lower number', { epoch: 2, number: 0 }, true],
    ['the same again', { epoch: 1, number: 5 }, false],
    ['a lower number', { epoch: 1, number: 4 }, false],
    ['a lower epoch with a higher number', { epoch: 0, number: 9 }, false],
  ])('%s: taken only if it is newer', (_, generation, isTaken) => {
    const bench = new Bench();
    bench.send({ kind: 'desired', doc: aDesiredState(5, []) });
    bench.send({ kind: 'desired', doc: aDesiredState(0, [first()], { generation }) });
    expect(bench.state.durable.desired?.services).toHaveLength(isTaken ? 1 : 0);
  });

  it('refuses an older one after a restart too', () => {
    const bench = new Bench().desired([first()]).desired([]).restart();
    bench.send({ kind: 'desired', doc: aDesiredState(1, [second()]) });
    expect(bench.state.durable.generation).toEqual({ epoch: 1, number: 2 });
  });

  it('leaves a document alone that is meant for newer agents (V1)', () => {
    const bench = new Bench().desired([first()], { minProtocol: 99 });
    expect(bench.state.durable.generation).toBeNull();
  });

  it('acts on the newest assignment only, after a time away', () => {
    const bench = settled();
    for (const number of [2, 3, 4]) {
      bench.desired([anAssignment({ number, phase: 'withdraw', rollbackTarget: first().release.digest })]);
    }
    bench.desired([anAssignment({ number: 5, rollbackTarget: first().release.digest })]);
    expect(bench.assignment.release.number).toBe(5);
    expect(bench.entries.filter((entry) => entry.kind === 'staged')).toHaveLength(1);
  });
});

describe('N3: no flapping', () => {
  it('does not try a failed attempt again, until the network brings a new one', () => {
    const bench = settled().desired([second()]).until('evaluating');
    bench.send({ kind: 'evaluated', service, task: bench.task, result: RESULTS.fail });
    bench.restart().desired([second()]).desired([]).desired([second()]);
    expect(bench.step).toBe('failed');
    bench.desired([second({ attempt: 2, id: `${second().rollout}.n1.2` })]);
    expect(bench.step).toBe('awaitingPreparation');
  });
});

describe('R5: one transition at a time on a node', () => {
  const two = (): { readonly triage: Bench; readonly summary: string } => {
    const bench = settled();
    const other = anAssignment({ service: 'summary', number: 1 });
    bench.command({ kind: 'setRules', rules: { prepare: [{}], activate: [{}] } });
    bench.desired([second(), other]);
    return { triage: bench, summary: 'summary' };
  };

  it('holds a second service back from its first load while the first is evaluated', () => {
    const { triage, summary } = two();
    triage.until('evaluating');
    const { job } = triage.state.work[summary]!;
    const task = 'task' in job ? job.task : 0;
    const other = anAssignment({ service: summary, number: 1 });
    triage.send({ kind: 'fetched', service: summary, task });
    const verifying = triage.state.work[summary]!.job;
    const held = { ...other.release, release: other.release.digest, variant: 'q8_0', key: 'other', chain: null };
    triage.send({
      kind: 'verified',
      service: summary,
      task: 'task' in verifying ? verifying.task : 0,
      held: { ...held, artifact: other.variant.artifact },
    });
    triage.until('evaluating');
    expect(triage.state.work[summary]).toMatchObject({ waits: 'otherTransition', loading: null });
    // Between its evaluation and its permit the first is in no transition; the second takes its turn, and now the first waits.
    triage.send({ kind: 'evaluated', service, task: triage.task, result: RESULTS.pass });
    expect(triage.state.work[summary]).toMatchObject({ loading: { key: 'other' } });
    expect(triage.work).toMatchObject({ job: { doing: 'nothing' }, waits: 'otherTransition' });
  });

  it('lets nothing else begin from the question for a permit to the end of the soak', () => {
    const bench = settled().desired([second()]).until('awaitingPermit');
    const other = anAssignment({ service: 'summary', number: 1 });
    bench.command({ kind: 'setRules', rules: { prepare: [{}], activate: [{}] } });
    bench.desired([second(), other]);
    const held = { ...heldFor(other), key: 'other' };
    for (const kind of ['fetched', 'verified'] as const) {
      const { job } = bench.state.work['summary']!;
      const task = 'task' in job ? job.task : 0;
      bench.send({ kind, service: 'summary', task, ...(kind === 'verified' ? { held } : {}) } as Event);
    }
    for (const step of ['awaitingPermit', 'activating', 'probing', 'active'] as const) {
      bench.until(step);
      expect(bench.state.work['summary']).toMatchObject({ waits: 'otherTransition', loading: null });
    }
    bench.judge('ok');
    expect(bench.state.work['summary']).toMatchObject({ loading: { key: 'other' } });
  });

  it('is voided by no document about another service (R2)', () => {
    const { triage } = two();
    triage.until('awaitingPermit');
    const { task } = triage;
    triage.desired([second(), anAssignment({ service: 'summary', number: 2 })]);
    expect(triage.task).toBe(task);
  });
});

describe('what is kept on the disk', () => {
  it('names the files of a fetch under way, of the target and of the anchor, and gives up what failed', () => {
    const bench = settled().desired([second()]).until('fetching');
    const during = keepOf(bench.state.durable);
    expect(during.files).toContain(second().variant.artifact.file);
    expect(during.files).toContain(first().variant.artifact.file);
    bench.command({ kind: 'reject', service, reason: 'not now' });
    const reclaim = bench.effects.find((effect) => effect.kind === 'reclaim');
    expect(reclaim?.keep.files).toContain(first().variant.artifact.file);
    expect(reclaim?.keep.files).not.toContain(second().variant.artifact.file);
  });
});

describe('N8: the chain', () => {
  it('refuses a model of which the runtime reports another digest', () => {
    const bench = settled().desired([second()]).until('verifying');
    while (bench.work.loading === null) bench.answer();
    const { task } = bench.work.loading;
    bench.send({ kind: 'loaded', service, task, chain: { base: 'sha256:other' } });
    expect(bench.record.attempt?.progress).toMatchObject({ end: { reason: 'digestMismatch', outcome: 'noChange' } });
  });
});
