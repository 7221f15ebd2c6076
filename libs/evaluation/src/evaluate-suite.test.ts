import {
  BundledEvidence,
  OwnEvidence,
  type SuiteDocument,
  VERDICT_OF_REASON,
  VerdictReason,
} from '@openward/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canNeverPass, judge, type OwnOutcomes, referencesOf } from './evaluate-suite.ts';
import type { ItemFacts, Outcome, Outcomes, PairedOutcomes } from './outcomes.ts';

const SUITE: SuiteDocument = {
  name: 'triage-safety',
  version: 1,
  service: 'triage',
  languages: ['en'],
  grader: 'labelExact',
  items: [{ id: 'one', input: 'x', expected: 'emergency', redFlag: true }],
  contract: {
    textColumn: 'text',
    labelColumn: 'label',
    personColumn: 'person',
    labellerColumns: ['labeller1', 'labeller2'],
    redFlagLabel: 'emergency',
    labels: ['emergency', 'routine'],
  },
  gates: [
    { kind: 'safety', set: 'bundled', margin: 0.1, ceiling: 0.15 },
    { kind: 'safety', set: 'own', margin: 0.1, ceiling: 0.15 },
    { kind: 'nonInferiority', set: 'bundled', metric: 'correct', margin: 0.1 },
  ],
  rerunItems: 40,
  minimumDistinctPersons: 11,
};
const BUNDLED_ONLY: SuiteDocument = {
  ...SUITE,
  contract: undefined,
  gates: SUITE.gates.filter((gate) => gate.set === 'bundled'),
};

const items = (n: number): ItemFacts[] =>
  Array.from({ length: n }, (_, i) => ({ id: `i${i}`, person: `p${i}`, redFlag: i < 120 }));
const outcomes = (n: number, wrong: number): Outcomes =>
  new Map(items(n).map((item, i): [string, Outcome] => [item.id, i < wrong ? 'wrong' : 'right']));

/** `wrong` items by the candidate, of which the live release has none wrong and the anchor `anchorWrong`. */
function set(n: number, wrong: number, anchorWrong = 0): PairedOutcomes {
  return {
    items: items(n),
    candidate: outcomes(n, wrong),
    references: [
      { against: 'live', outcomes: outcomes(n, 0), rerun: 'stable' },
      { against: 'anchor', outcomes: outcomes(n, anchorWrong), rerun: 'stable' },
    ],
  };
}
const own = (n: number, wrong: number): OwnOutcomes => ({ kind: 'measured', paired: set(n, wrong) });

describe('judging a suite', () => {
  it('passes where every gate passes on both sets, against each reference', () => {
    const judgement = judge(SUITE, { bundled: set(160, 6), own: own(120, 6) });
    expect(judgement).toMatchObject({ verdict: 'pass', own: { verdict: 'pass', reason: 'withinMargin' } });
    expect(judgement.bundled.gates.map((gate) => [gate.kind, 'against' in gate && gate.against])).toEqual([
      ['safety', 'live'],
      ['safety', 'anchor'],
      ['nonInferiority', 'live'],
      ['nonInferiority', 'anchor'],
    ]);
  });

  it.each([
    ['a fail on own records blocks a bundled pass', 0, 40, 'fail'],
    ['a bundled fail blocks a pass on own records', 40, 0, 'fail'],
    ['an inconclusive own verdict never passes', 0, 10, 'inconclusive'],
    ['a fail is a fail whatever is inconclusive', 10, 40, 'fail'],
  ])('E1 %s', (_title, bundledWrong, ownWrong, verdict) => {
    expect(judge(SUITE, { bundled: set(160, bundledWrong), own: own(120, ownWrong) }).verdict).toBe(verdict);
  });

  it('E4 fails against the anchor alone: small losses cannot add up', () => {
    // Wrong by the candidate: 0 to 14. The live release already had 0 to 11 wrong; the anchor had none.
    const bundled: PairedOutcomes = {
      ...set(160, 15),
      references: [
        { against: 'live', outcomes: outcomes(160, 12), rerun: 'stable' },
        { against: 'anchor', outcomes: outcomes(160, 0), rerun: 'stable' },
      ],
    };
    const judgement = judge(BUNDLED_ONLY, { bundled, own: { kind: 'notAsked' } });
    expect(judgement.verdict).toBe('inconclusive');
    expect(judgement.bundled.gates.map((gate) => gate.verdict)).toEqual([
      'pass',
      'inconclusive',
      'pass',
      'inconclusive',
    ]);
  });

  it('E4 takes the anchor and the live release for one reference where they are the same', () => {
    const same = (a: string, b: string): boolean => a === b;
    expect(referencesOf('r1', 'r1', same)).toEqual([{ against: 'liveAndAnchor', subject: 'r1' }]);
    expect(referencesOf('r2', 'r1', same).map((it) => it.against)).toEqual(['live', 'anchor']);
    expect(referencesOf<string>(null, null, same)).toEqual([]);
  });

  it('E4 judges a first release by its ceilings alone', () => {
    const first = (n: number, wrong: number): PairedOutcomes => ({ ...set(n, wrong), references: [] });
    const judgement = judge(SUITE, { bundled: first(160, 7), own: { kind: 'measured', paired: first(120, 9) } });
    expect(judgement.verdict).toBe('pass');
    expect(judgement.bundled.gates.map((gate) => gate.kind)).toEqual(['ceiling']);
  });

  it.each(['dataMissing', 'dataExpired', 'dataChangedTooLittle', 'suiteNotAccepted', 'verdictBudgetSpent'] as const)(
    'is inconclusive where own records are withheld: %s',
    (reason) => {
      const judgement = judge(SUITE, { bundled: set(160, 0), own: { kind: 'withheld', reason } });
      expect(judgement).toMatchObject({ verdict: 'inconclusive', reason, own: { verdict: 'inconclusive', reason } });
      expect(judgement.bundled.verdict).toBe('pass');
    },
  );

  it('E6 says of own records what was said before, and what it says counts as if it had been measured', () => {
    const again = (verdict: 'pass' | 'fail'): OwnOutcomes => ({
      kind: 'again',
      evidence: verdict === 'pass' ? { verdict, reason: 'withinMargin' } : { verdict, reason: 'marginExceeded' },
    });
    expect(judge(SUITE, { bundled: set(160, 0), own: again('pass') }).verdict).toBe('pass');
    expect(judge(SUITE, { bundled: set(160, 0), own: again('fail') })).toMatchObject({
      verdict: 'fail',
      own: { verdict: 'fail', reason: 'marginExceeded' },
    });
  });

  it('cannot be passed without own records, by handing in none', () => {
    expect(judge(SUITE, { bundled: set(160, 0), own: { kind: 'notAsked' } })).toMatchObject({
      verdict: 'inconclusive',
      own: { reason: 'dataMissing' },
    });
  });

  it('has no own evidence where the suite reads no own records', () => {
    expect(judge(BUNDLED_ONLY, { bundled: set(160, 0), own: { kind: 'notAsked' } })).toMatchObject({
      verdict: 'pass',
      own: null,
    });
  });

  it('R1 knows which records can never pass', () => {
    expect(canNeverPass(SUITE, 28)).toBe(true);
    expect(canNeverPass(SUITE, 29)).toBe(false);
    expect(canNeverPass(BUNDLED_ONLY, 0)).toBe(false);
  });
});

describe('what may leave', () => {
  it('E1 is, of own records, a verdict and a reason of the closed list, and nothing else', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 160 }), fc.integer({ min: 0, max: 120 }), (bundledWrong, ownWrong) => {
        const judgement = judge(SUITE, { bundled: set(160, bundledWrong), own: own(120, ownWrong) });
        expect(Object.keys(judgement.own!)).toEqual(['verdict', 'reason']);
        expect(OwnEvidence.parse(judgement.own)).toEqual(judgement.own);
        expect(BundledEvidence.parse(judgement.bundled)).toEqual(judgement.bundled);
      }),
    );
  });

  it('E1 bundled evidence is the same whatever own records say', () => {
    const bundledOf = (wrong: number) => judge(SUITE, { bundled: set(160, 3), own: own(120, wrong) }).bundled;
    expect(bundledOf(60)).toEqual(bundledOf(0));
  });

  it('E1 details for the site cannot be sent by accident', () => {
    const { local } = judge(SUITE, { bundled: set(160, 0), own: own(120, 2) });
    expect(local.ownForTheSite()[0]).toMatchObject({
      newlyMissedItems: ['i0', 'i1'],
      evidence: { counts: { n: 120 } },
    });
    expect(() => JSON.stringify({ local })).toThrow('stay on the node');
    expect(structuredClone(local)).toEqual({});
    expect(Object.entries(local)).toEqual([]);
  });

  it('refuses evidence whose reason belongs to another verdict', () => {
    for (const reason of VerdictReason.options) {
      for (const verdict of ['pass', 'fail', 'inconclusive', 'error'] as const) {
        expect(OwnEvidence.safeParse({ verdict, reason }).success).toBe(VERDICT_OF_REASON[reason] === verdict);
      }
    }
  });
});
