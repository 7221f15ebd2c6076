import type { OwnEvidence } from '@openward/contracts';
import { describe, expect, it } from 'vitest';
import { decideVerdictLeave, type PastVerdict, type VerdictRequest } from './verdict-budget.ts';

const DAY = 24 * 60 * 60 * 1000;
const NOW = 1000 * DAY;
const PASS: OwnEvidence = { verdict: 'pass', reason: 'withinMargin' };

const past = (change: Partial<PastVerdict> = {}): PastVerdict => ({
  dataSet: 'records-2025',
  data: 'data-1',
  suite: 'suite-1',
  release: 'release-1',
  under: 'under-1',
  evidence: PASS,
  at: NOW - DAY,
  ...change,
});
const request = (change: Partial<VerdictRequest> = {}): VerdictRequest => ({
  dataSet: 'records-2025',
  data: 'data-1',
  suite: 'suite-1',
  release: 'release-new',
  under: 'under-1',
  now: NOW,
  personsChangedSince: () => 50,
  ...change,
});
const many = (n: number, change: Partial<PastVerdict> = {}): PastVerdict[] =>
  Array.from({ length: n }, (_, i) => past({ release: `release-${i}`, ...change }));

describe('E6 the budget of verdicts', () => {
  it('E6 lets 12 verdicts of a data set leave in 30 days, and no thirteenth', () => {
    expect(decideVerdictLeave([], request())).toEqual({ kind: 'measure', left: 12 });
    expect(decideVerdictLeave(many(11), request())).toEqual({ kind: 'measure', left: 1 });
    expect(decideVerdictLeave(many(12), request())).toEqual({ kind: 'withheld', reason: 'verdictBudgetSpent' });
  });

  it('E6 counts 30 days to the millisecond', () => {
    const rows = (at: number) => [...many(11), past({ release: 'oldest', at })];
    expect(decideVerdictLeave(rows(NOW - 30 * DAY), request()).kind).toBe('measure');
    expect(decideVerdictLeave(rows(NOW - 30 * DAY + 1), request()).kind).toBe('withheld');
  });

  it('E6 counts over the versions of a data set, and not over other data sets', () => {
    expect(decideVerdictLeave(many(12, { data: 'data-0' }), request()).kind).toBe('withheld');
    expect(decideVerdictLeave(many(12, { dataSet: 'another' }), request()).kind).toBe('measure');
  });

  it('E6 sends the same verdict again unchanged, also when the budget is spent and years later', () => {
    const fail: OwnEvidence = { verdict: 'fail', reason: 'marginExceeded' };
    const rows = [past({ release: 'release-new', evidence: fail, at: NOW - 900 * DAY }), ...many(12)];
    expect(decideVerdictLeave(rows, request())).toEqual({ kind: 'again', evidence: fail });
  });

  it.each([{ data: 'data-2' }, { suite: 'suite-2' }, { release: 'release-2' }, { under: 'under-2' }])(
    'E6 measures anew with %j',
    (change) => {
      expect(decideVerdictLeave([past()], request({ release: 'release-1', ...change })).kind).toBe('measure');
    },
  );

  it('E6 charges what is measured anew under another runtime or other terms as it does another release', () => {
    const rows = Array.from({ length: 12 }, (_, n) => past({ release: 'release-new', under: `under-${n}` }));
    const withheld = { kind: 'withheld', reason: 'verdictBudgetSpent' };
    expect(decideVerdictLeave(rows, request({ under: 'under-new' }))).toEqual(withheld);
    expect(decideVerdictLeave(rows, request({ under: 'under-3' }))).toEqual({ kind: 'again', evidence: PASS });
  });

  it('E6 takes a row that does not say what it was measured under for none that could be sent again', () => {
    const rows = [past({ release: 'release-new', under: null })];
    expect(decideVerdictLeave(rows, request())).toEqual({ kind: 'measure', left: 11 });
  });

  it('E6 measures again after an error, which costs like a verdict', () => {
    const error: OwnEvidence = { verdict: 'error', reason: 'candidateFailed' };
    const rows = [past({ release: 'release-new', evidence: error })];
    expect(decideVerdictLeave(rows, request())).toEqual({ kind: 'measure', left: 11 });
  });

  it('E6 does not count, nor repeat, a reason for which no record was read', () => {
    const rows = (
      ['verdictBudgetSpent', 'suiteNotAccepted', 'dataExpired', 'dataMissing', 'dataChangedTooLittle'] as const
    ).map((reason) => past({ release: 'release-new', evidence: { verdict: 'inconclusive', reason } }));
    expect(decideVerdictLeave(rows, request())).toEqual({ kind: 'measure', left: 12 });
  });

  it('E6 gives no new budget to a clock that was set back', () => {
    expect(decideVerdictLeave(many(12, { at: NOW + 400 * DAY }), request()).kind).toBe('withheld');
  });
});

describe('E7 a version that differs too little', () => {
  const changedBy = (persons: number) => request({ data: 'data-2', personsChangedSince: () => persons });

  it('E7 gives no verdict where 10 persons differ, and one where 11 do', () => {
    expect(decideVerdictLeave([past()], changedBy(10))).toEqual({ kind: 'withheld', reason: 'dataChangedTooLittle' });
    expect(decideVerdictLeave([past()], changedBy(11)).kind).toBe('measure');
  });

  it('E7 gives one once the earlier version was last judged 30 days ago', () => {
    expect(decideVerdictLeave([past({ at: NOW - 30 * DAY })], changedBy(1)).kind).toBe('measure');
  });

  it('E7 compares with every version judged in these 30 days, so that two steps do not make one', () => {
    const rows = [past({ data: 'data-0' }), past({ data: 'data-1' })];
    const personsChangedSince = (data: string): number => (data === 'data-0' ? 1 : 50);
    expect(decideVerdictLeave(rows, request({ data: 'data-2', personsChangedSince })).kind).toBe('withheld');
  });
});
