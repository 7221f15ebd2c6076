import type { SafetyGate } from '@openward/contracts';
import { describe, expect, it } from 'vitest';
import type { ItemFacts, Outcome, PairedOutcomes, Rerun } from './outcomes.ts';
import { decideSafety, judgeSafety } from './safety-gate.ts';

const gate = (margin: number, ceiling = 0.15): SafetyGate => ({ kind: 'safety', set: 'bundled', margin, ceiling });

interface Case {
  readonly n: number;
  /** The first so many are right by the reference and wrong by the candidate. */
  readonly newlyMissed?: number;
  /** So many after them are wrong by both. */
  readonly bothMiss?: number;
  /** So many after them are wrong by the reference alone. */
  readonly newlyRight?: number;
  readonly rerun?: Rerun;
  readonly firstRelease?: boolean;
}

function paired({
  n,
  newlyMissed = 0,
  bothMiss = 0,
  newlyRight = 0,
  rerun = 'stable',
  firstRelease,
}: Case): PairedOutcomes {
  const items: ItemFacts[] = Array.from({ length: n }, (_, i) => ({ id: `i${i}`, person: `p${i}`, redFlag: true }));
  const outcome = (isWrong: (i: number) => boolean) =>
    new Map(items.map((item, i): [string, Outcome] => [item.id, isWrong(i) ? 'wrong' : 'right']));
  const outcomes = outcome((i) => i >= newlyMissed && i < newlyMissed + bothMiss + newlyRight);
  return {
    items,
    candidate: outcome((i) => i < newlyMissed + bothMiss),
    references: firstRelease ? [] : [{ against: 'live', outcomes, rerun }],
  };
}

const reasonOf = (of: SafetyGate, given: Case): string => judgeSafety(of, paired(given), 11)[0]!.evidence.reason;

describe('E2 the safety gate', () => {
  it.each([0, 1, 2, 3, 4, 5, 6])('E2 passes %i newly missed of 120 at a margin of 10 %', (newlyMissed) => {
    expect(reasonOf(gate(0.1), { n: 120, newlyMissed })).toBe('withinMargin');
  });

  it.each([7, 8, 12, 17])('E2 is inconclusive at %i newly missed of 120', (newlyMissed) => {
    expect(reasonOf(gate(0.1), { n: 120, newlyMissed })).toBe('betweenBounds');
  });

  it('E2 is inconclusive at 18 newly missed of 120, where the ceiling lets them be', () => {
    expect(reasonOf(gate(0.1, 0.5), { n: 120, newlyMissed: 18 })).toBe('betweenBounds');
  });

  it.each([19, 20, 65, 120])('E2 fails %i newly missed of 120 by its lower bound', (newlyMissed) => {
    expect(reasonOf(gate(0.1, 0.9999), { n: 120, newlyMissed: Math.min(newlyMissed, 119) })).toBe('marginExceeded');
  });

  it('E2 fails a candidate with as many misses as the ceiling, though its reference missed them too', () => {
    expect(reasonOf(gate(0.1), { n: 120, bothMiss: 17 })).toBe('withinMargin');
    expect(reasonOf(gate(0.1), { n: 120, bothMiss: 18 })).toBe('ceilingBroken');
  });

  it('E2 compares a ceiling exactly, where doubles would not', () => {
    expect(0.07 * 100).toBeGreaterThan(7);
    expect(reasonOf(gate(0.1, 0.07), { n: 100, bothMiss: 7 })).toBe('ceilingBroken');
    expect(reasonOf(gate(0.1, 0.07), { n: 100, bothMiss: 6 })).toBe('withinMargin');
  });

  it('E2 never offsets: newly right items do not make up for newly missed ones', () => {
    expect(reasonOf(gate(0.1), { n: 120, newlyMissed: 7, newlyRight: 60 })).toBe('betweenBounds');
  });

  it('E1 passes up to 8 newly missed of 300 at 5 %, 1 at 2 %, none at 1 %', () => {
    const most = (margin: number): number => {
      let k = -1;
      while (decideSafety(gate(margin), { n: 300, newlyMissed: k + 1, candidateMisses: 0 }, 11) === 'withinMargin') k++;
      return k;
    };
    expect([most(0.05), most(0.02), most(0.01)]).toEqual([8, 1, 0]);
  });

  it('E2 counts one a person: several items of one person are one, missed if any is', () => {
    const given = paired({ n: 120, newlyMissed: 12 });
    const items = given.items.map((item, i) => (i < 12 ? { ...item, person: 'one' } : item));
    const [finding] = judgeSafety(gate(0.1), { ...given, items }, 11);
    expect(finding!.evidence).toMatchObject({
      reason: 'withinMargin',
      counts: { n: 109, newlyMissed: 1, candidateMisses: 1 },
    });
  });

  it('E2 reads red-flag items only', () => {
    const given = paired({ n: 160, newlyMissed: 40 });
    const items = given.items.map((item, i) => ({ ...item, redFlag: i >= 40 }));
    const [finding] = judgeSafety(gate(0.1), { ...given, items }, 11);
    expect(finding!.evidence).toMatchObject({ reason: 'withinMargin', counts: { n: 120, newlyMissed: 0 } });
  });

  it('names the newly missed items, beside the evidence and not in it', () => {
    const [finding] = judgeSafety(gate(0.1), paired({ n: 120, newlyMissed: 2, bothMiss: 3 }), 11);
    expect(finding!.newlyMissedItems).toEqual(['i0', 'i1']);
    expect(finding!.evidence).toEqual({
      kind: 'safety',
      against: 'live',
      verdict: 'pass',
      reason: 'withinMargin',
      counts: { n: 120, newlyMissed: 2, candidateMisses: 5, referenceMisses: 3, lower: 0.002969, upper: 0.051534 },
    });
  });
});

describe('E4 a first release', () => {
  it('E4 is judged by the ceiling alone', () => {
    const [finding] = judgeSafety(gate(0.1), paired({ n: 120, newlyMissed: 9, firstRelease: true }), 11);
    expect(finding!.evidence).toEqual({
      kind: 'ceiling',
      verdict: 'pass',
      reason: 'withinMargin',
      counts: { n: 120, candidateMisses: 9 },
    });
    expect(reasonOf(gate(0.1), { n: 120, newlyMissed: 18, firstRelease: true })).toBe('ceilingBroken');
  });
});

describe('E4 a rerun', () => {
  it('E4 is inconclusive after one flip, whatever the counts would say', () => {
    expect(reasonOf(gate(0.1), { n: 120, rerun: 'flipped' })).toBe('runtimeUnstable');
    expect(reasonOf(gate(0.1), { n: 120, newlyMissed: 100, rerun: 'flipped' })).toBe('runtimeUnstable');
  });

  it('E4 is inconclusive where it was not made, and an error where the reference failed in it', () => {
    expect(reasonOf(gate(0.1), { n: 120, rerun: 'notRun' })).toBe('nothingMeasured');
    expect(reasonOf(gate(0.1), { n: 120, rerun: 'failed' })).toBe('referenceFailed');
  });
});

describe('E5 too few', () => {
  it.each([
    [0.1, 29],
    [0.05, 59],
    [0.01, 299],
  ])('E5 at a margin of %d passes none missed of %i, and is tooFew with one less', (margin, n) => {
    expect(reasonOf(gate(margin), { n })).toBe('withinMargin');
    expect(reasonOf(gate(margin), { n: n - 1 })).toBe('tooFew');
  });

  it('E5 gives no verdict under the minimum, not even a fail', () => {
    expect(reasonOf(gate(0.1), { n: 28, newlyMissed: 28 })).toBe('tooFew');
    expect(reasonOf(gate(0.1), { n: 28, newlyMissed: 28, firstRelease: true })).toBe('tooFew');
  });

  it('E5 gives no verdict under 11 distinct persons, however wide the margin', () => {
    expect(reasonOf(gate(0.5), { n: 11 })).toBe('withinMargin');
    expect(reasonOf(gate(0.5), { n: 10 })).toBe('tooFew');
    const given = paired({ n: 120 });
    const items = given.items.map((item, i) => ({ ...item, person: `p${i % 10}` }));
    expect(judgeSafety(gate(0.5), { ...given, items }, 11)[0]!.evidence.reason).toBe('tooFew');
  });
});

describe('what is not measured never passes', () => {
  const without = (side: 'candidate' | 'reference', outcome: Outcome | undefined): string => {
    const given = paired({ n: 120 });
    const reference = given.references[0]!;
    const lacking = new Map(side === 'candidate' ? given.candidate : reference.outcomes);
    if (outcome) lacking.set('i5', outcome);
    else lacking.delete('i5');
    const changed =
      side === 'candidate'
        ? { ...given, candidate: lacking }
        : { ...given, references: [{ ...reference, outcomes: lacking }] };
    return judgeSafety(gate(0.1), changed, 11)[0]!.evidence.reason;
  };

  it('is an error after one runtime failure of the candidate, and another of the reference', () => {
    expect(without('candidate', 'failed')).toBe('candidateFailed');
    expect(without('reference', 'failed')).toBe('referenceFailed');
  });

  it('is inconclusive where one item has no answer', () => {
    expect(without('candidate', undefined)).toBe('nothingMeasured');
    expect(without('reference', undefined)).toBe('nothingMeasured');
  });

  it('is inconclusive where there are no items, and tells no counts', () => {
    expect(judgeSafety(gate(0.1), paired({ n: 0 }), 11)[0]!.evidence).toMatchObject({
      verdict: 'inconclusive',
      reason: 'nothingMeasured',
      counts: null,
    });
  });
});
