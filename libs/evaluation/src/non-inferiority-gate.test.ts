import type { NonInferiorityGate } from '@openward/contracts';
import { describe, expect, it } from 'vitest';
import { decideNonInferiority, judgeNonInferiority } from './non-inferiority-gate.ts';
import type { ItemFacts, Outcome, PairedOutcomes, ReferenceOutcomes } from './outcomes.ts';

const gate: NonInferiorityGate = { kind: 'nonInferiority', set: 'bundled', metric: 'correct', margin: 0.1 };

const decide = (newlyWrong: number, newlyRight: number, n = 160): string =>
  decideNonInferiority(gate, { n, newlyWrong, newlyRight }, 11);

function paired(rerun: ReferenceOutcomes['rerun'] = 'stable', references = 1): PairedOutcomes {
  const items: ItemFacts[] = Array.from({ length: 160 }, (_, i) => ({
    id: `i${i}`,
    person: `i${i}`,
    redFlag: i < 120,
  }));
  const outcome = (isWrong: (i: number) => boolean) =>
    new Map(items.map((item, i): [string, Outcome] => [item.id, isWrong(i) ? 'wrong' : 'right']));
  const reference = { outcomes: outcome((i) => i >= 150), rerun };
  return {
    items,
    candidate: outcome((i) => i < 4),
    references: (['live', 'anchor'] as const).slice(0, references).map((against) => ({ against, ...reference })),
  };
}

describe('E3 the non-inferiority gate', () => {
  it('E3 passes up to 9 newly wrong of 160 at a margin of 10 %', () => {
    expect(Array.from({ length: 11 }, (_, wrong) => decide(wrong, 0))).toEqual([
      ...Array.from({ length: 10 }, () => 'withinMargin'),
      'betweenBounds',
    ]);
  });

  it('E3 fails where the lower bound is over the margin', () => {
    expect(decide(22, 0)).toBe('betweenBounds');
    expect(decide(23, 0)).toBe('marginExceeded');
  });

  it('E3 weighs newly right items against newly wrong ones', () => {
    expect(decide(12, 0)).toBe('betweenBounds');
    expect(decide(12, 8)).toBe('withinMargin');
  });

  it('E5 is tooFew where not even equal answers could pass', () => {
    expect(decide(0, 0, 25)).toBe('withinMargin');
    expect(decide(0, 0, 24)).toBe('tooFew');
  });

  it('tells exact counts, bounds and a p-value, over all items and not the red flags alone', () => {
    expect(judgeNonInferiority(gate, paired(), 11)).toEqual([
      {
        evidence: {
          kind: 'nonInferiority',
          against: 'live',
          verdict: 'pass',
          reason: 'withinMargin',
          counts: { n: 160, newlyWrong: 4, newlyRight: 10, lower: -0.080441, upper: 0.001058, pValue: 0.179565 },
        },
        newlyMissedItems: ['i0', 'i1', 'i2', 'i3'],
      },
    ]);
  });

  it('E4 judges against each reference, and has nothing to say of a first release', () => {
    expect(judgeNonInferiority(gate, paired('stable', 2), 11).map((it) => it.evidence)).toMatchObject([
      { against: 'live' },
      { against: 'anchor' },
    ]);
    expect(judgeNonInferiority(gate, paired('stable', 0), 11)).toEqual([]);
  });

  it('E4 is inconclusive after one flip, or without a rerun', () => {
    expect(judgeNonInferiority(gate, paired('flipped'), 11)[0]!.evidence.reason).toBe('runtimeUnstable');
    expect(judgeNonInferiority(gate, paired('notRun'), 11)[0]!.evidence.reason).toBe('nothingMeasured');
  });
});
