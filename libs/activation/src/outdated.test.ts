import { describe, expect, it } from 'vitest';
import { replay } from './journal.ts';
import type { EvaluationResult } from './model.ts';
import { offersOf } from './offers.ts';
import { type Bench, second, settled } from './testing/bench.ts';
import { RESULTS } from './testing/documents.ts';

const service = 'triage';
const judged = (bench: Bench, result: EvaluationResult, terms = bench.terms): Bench => {
  bench.until('evaluating');
  bench.send({ kind: 'evaluated', service, task: bench.task, result: { ...result, terms } });
  return bench;
};
const offered = (): Bench => settled().desired([second()]);
const kinds = (bench: Bench): readonly string[] => bench.effects.map((effect) => effect.kind);

describe('E4: a result is of the terms that it was measured under', () => {
  it('is measured again where the site has changed its terms, before anything of it has left', () => {
    const bench = judged(offered(), RESULTS.pass);
    expect(bench.step).toBe('awaitingConsent');
    bench.terms = 'others';
    bench.send({ kind: 'tick' });
    expect(bench.step).toBe('evaluating');
    expect(kinds(bench)).toContain('evaluate');
    expect(kinds(bench)).not.toContain('discloseEvidence');
    expect(replay(bench.entries)).toEqual(bench.state.durable);
    judged(bench, RESULTS.pass);
    expect(offersOf(bench.state)[0]).toMatchObject({ question: 'activate', gate: { verdict: 'pass' } });
  });

  it('takes no answer that was given to the result of before', () => {
    const bench = judged(offered(), RESULTS.inconclusive);
    const yes = bench.yes();
    bench.terms = 'others';
    expect(bench.command(yes)).toEqual({ done: false, why: 'otherQuestion' });
    const { id } = bench.assignment;
    judged(bench, RESULTS.inconclusive);
    bench.terms = 'yet others';
    expect(bench.command({ kind: 'acceptInconclusive', service, assignment: id, reason: 'few here' })).toEqual({
      done: false,
      why: 'nothingWaits',
    });
  });

  it('does not leave, not even a fail, where the terms were changed while it was measured', () => {
    const bench = offered();
    bench.until('evaluating');
    bench.terms = 'others';
    judged(bench, RESULTS.fail, 'terms');
    expect(kinds(bench)).not.toContain('discloseEvidence');
    expect(bench.step).toBe('evaluating');
    judged(bench, RESULTS.fail);
    expect(kinds(bench)).toContain('discloseEvidence');
    expect(bench.step).toBe('failed');
  });

  it('stands once it has left, since an assignment has one evidence (R2)', () => {
    const bench = judged(offered(), RESULTS.pass);
    bench.accept();
    bench.terms = 'others';
    bench.send({ kind: 'tick' });
    expect(bench.step).toBe('awaitingPermit');
  });

  it('stands where an older agent made it, which did not say under which terms', () => {
    const bench = offered();
    bench.until('evaluating');
    bench.send({ kind: 'evaluated', service, task: bench.task, result: RESULTS.pass });
    bench.terms = 'others';
    bench.send({ kind: 'tick' });
    expect(bench.step).toBe('awaitingConsent');
  });
});
