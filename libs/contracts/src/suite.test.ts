import { describe, expect, it } from 'vitest';
import { BundledEvidence, OwnEvidence, Share, SuiteDocument } from './suite.ts';

const CONTRACT = {
  textColumn: 'text',
  labelColumn: 'label',
  personColumn: 'person',
  labellerColumns: ['labeller1', 'labeller2'],
  redFlagLabel: 'emergency',
  labels: ['emergency', 'routine'],
};
const ITEM = { id: 'item-1', input: 'chest pain', expected: 'emergency', redFlag: true };
const BUNDLED = { kind: 'safety', set: 'bundled', margin: 0.1, ceiling: 0.15 };
const OWN = { ...BUNDLED, set: 'own' };
const SUITE = {
  name: 'triage-safety',
  version: 1,
  service: 'triage',
  languages: ['en', 'pt-BR'],
  grader: 'labelExact',
  items: [ITEM],
  contract: CONTRACT,
  gates: [BUNDLED, OWN, { kind: 'nonInferiority', set: 'bundled', metric: 'correct', margin: 0.05 }],
  rerunItems: 40,
  minimumDistinctPersons: 11,
};

describe('a suite document', () => {
  it('is taken as it stands, with nothing added: its digest covers all of it', () => {
    expect(SuiteDocument.parse(SUITE)).toEqual(SUITE);
  });

  it.each<[string, Record<string, unknown>]>([
    ['a word it does not know', { notes: '' }],
    ['an item with a word it does not know', { items: [{ ...ITEM, kind: 'K1' }] }],
    ['an item id used twice', { items: [ITEM, ITEM] }],
    ['no items', { items: [] }],
    ['an expected label that no trimmed reply can equal', { items: [{ ...ITEM, expected: ' emergency' }] }],
    ['no gates', { gates: [] }],
    ['no safety gate on its bundled items', { gates: [OWN] }],
    ['two gates of a kind for a set', { gates: [BUNDLED, OWN, { ...OWN, margin: 0.2 }] }],
    ['a gate of a kind it does not know', { gates: [BUNDLED, OWN, { kind: 'style', set: 'bundled', margin: 0.1 }] }],
    ['a gate without its margin', { gates: [OWN, { kind: 'safety', set: 'bundled', ceiling: 0.15 }] }],
    ['a margin that is not a number', { gates: [OWN, { ...BUNDLED, margin: '10 %' }] }],
    ['a margin of 1', { gates: [OWN, { ...BUNDLED, margin: 1 }] }],
    [
      'a non-inferiority gate on own records',
      { gates: [BUNDLED, OWN, { kind: 'nonInferiority', set: 'own', metric: 'correct', margin: 0.1 }] },
    ],
    ['a gate on own records without a contract', { contract: undefined }],
    ['a contract that no gate needs', { gates: [BUNDLED] }],
    ['a contract with one labeller', { contract: { ...CONTRACT, labellerColumns: ['labeller1'] } }],
    ['a contract with one column in two roles', { contract: { ...CONTRACT, labellerColumns: ['label', 'labeller2'] } }],
    ['a contract whose red-flag label is no label', { contract: { ...CONTRACT, redFlagLabel: 'urgent' } }],
    ['fewer items asked again than E4 says', { rerunItems: 39 }],
    ['fewer persons than E5 says', { minimumDistinctPersons: 10 }],
    ['a grader it does not know', { grader: 'model' }],
  ])('refuses %s', (_what, change) => {
    expect(SuiteDocument.safeParse({ ...SUITE, ...change }).success).toBe(false);
  });

  it.each([0, 1, -0.1, 0.00005, Number.NaN, Infinity])('refuses %d as a share', (share) => {
    expect(Share.safeParse(share).success).toBe(false);
  });
});

describe('evidence', () => {
  it('E1 of own records has room for a verdict and a reason, and for nothing else', () => {
    const own = { verdict: 'pass', reason: 'withinMargin' };
    expect(OwnEvidence.safeParse(own).success).toBe(true);
    expect(OwnEvidence.safeParse({ ...own, n: 120 }).success).toBe(false);
    expect(OwnEvidence.safeParse({ ...own, reason: 'marginExceeded' }).success).toBe(false);
  });

  it('refuses counts that JSON or a reader could misread', () => {
    const counts = { n: 120, newlyMissed: 2, candidateMisses: 5, referenceMisses: 3, lower: 0.002969, upper: 0.051534 };
    const gate = { kind: 'safety', against: 'live', verdict: 'pass', reason: 'withinMargin', counts };
    const evidence = (change: object) => ({ verdict: 'pass', reason: 'withinMargin', gates: [{ ...gate, ...change }] });
    expect(BundledEvidence.safeParse(evidence({})).success).toBe(true);
    expect(BundledEvidence.safeParse(evidence({ counts: { ...counts, newlyMissed: 2.5 } })).success).toBe(false);
    expect(BundledEvidence.safeParse(evidence({ counts: { ...counts, upper: Number.NaN } })).success).toBe(false);
    expect(BundledEvidence.safeParse(evidence({ verdict: 'fail' })).success).toBe(false);
    expect(BundledEvidence.safeParse(evidence({ items: ['i1'] })).success).toBe(false);
  });
});
