import type { BundledEvidence, SuiteDocument } from '@openward/contracts';
import { expect, it } from 'vitest';
import { contradictionIn } from './recheck.ts';

const suite = {
  items: Array.from({ length: 200 }, () => ({})),
  minimumDistinctPersons: 11,
  gates: [{ kind: 'safety', set: 'bundled', metric: 'redFlagSensitivity', margin: 0.05, ceiling: 0.1 }],
} as unknown as SuiteDocument;

const safety = (newlyMissed: number, reason: 'withinMargin' | 'marginExceeded' | 'runtimeUnstable', n = 200) => ({
  kind: 'safety' as const,
  against: 'live' as const,
  verdict: ({ withinMargin: 'pass', marginExceeded: 'fail', runtimeUnstable: 'inconclusive' } as const)[reason],
  reason,
  counts: { n, newlyMissed, candidateMisses: 0, referenceMisses: 0, lower: 0, upper: 0 },
});
const evidence = (...gates: readonly ReturnType<typeof safety>[]): BundledEvidence => ({
  verdict: 'pass',
  reason: 'withinMargin',
  gates: [...gates],
});

it('E2 takes a pass that the counts give, and refuses one that they deny', () => {
  expect(contradictionIn(suite, evidence(safety(0, 'withinMargin')))).toBeNull();
  expect(contradictionIn(suite, evidence(safety(60, 'withinMargin')))).toMatch(/its counts say marginExceeded/);
});

it('E1 refuses a pass over gates that do not pass, that are not there, or that have no counts', () => {
  expect(contradictionIn(suite, evidence(safety(60, 'marginExceeded')))).toMatch(/its gates say marginExceeded/);
  expect(contradictionIn(suite, evidence(safety(0, 'runtimeUnstable')))).toMatch(/its gates say runtimeUnstable/);
  expect(contradictionIn(suite, evidence())).toMatch(/not judged/);
  const bare = { ...safety(0, 'withinMargin'), counts: null };
  expect(contradictionIn(suite, { ...evidence(), gates: [bare] })).toMatch(/without counts/);
});

it('refuses counts of more items than the suite has, or of more misses than items', () => {
  expect(contradictionIn(suite, evidence(safety(0, 'withinMargin', 5000)))).toMatch(/no suite can give/);
  expect(contradictionIn(suite, evidence(safety(300, 'withinMargin')))).toMatch(/no suite can give/);
});
