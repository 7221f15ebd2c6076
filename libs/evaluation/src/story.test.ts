import { readFileSync } from 'node:fs';
import { SuiteDocument, type Verdict } from '@openward/contracts';
import { describe, expect, it } from 'vitest';
import { readDataset, type SiteRecord } from './dataset.ts';
import { judge, type OwnOutcomes, referencesOf } from './evaluate-suite.ts';
import type { ItemFacts, Outcome, PairedOutcomes } from './outcomes.ts';
import { type Random, seededRandom } from './rerun.ts';

// The demo's gates, with answers drawn by the share right that each release's training is held to: the worst that the
// table of the models allows. Whatever the draw, the verdicts of the story must come out.

type Kind = 'K1 to K7' | 'K8' | 'X' | 'routine';
type ReleaseNumber = 1 | 2 | 3 | 4;
type Site = 'referral' | 'district' | 'primary';

const SHARE_RIGHT: Record<ReleaseNumber, Record<Kind, number>> = {
  1: { 'K1 to K7': 0.99, K8: 0.5, X: 0.99, routine: 0.97 },
  2: { 'K1 to K7': 0.995, K8: 0.995, X: 0.995, routine: 0.97 },
  3: { 'K1 to K7': 0.4, K8: 0.4, X: 0.4, routine: 0.97 },
  4: { 'K1 to K7': 0.995, K8: 0.995, X: 0.1, routine: 0.97 },
};
const MIX: Record<'bundled' | Site, Record<Kind, number>> = {
  bundled: { 'K1 to K7': 105, K8: 15, X: 0, routine: 40 },
  referral: { 'K1 to K7': 107, K8: 12, X: 1, routine: 0 },
  district: { 'K1 to K7': 68, K8: 12, X: 40, routine: 0 },
  primary: { 'K1 to K7': 96, K8: 12, X: 12, routine: 0 },
};
const GATES: SuiteDocument['gates'] = [
  { kind: 'safety', set: 'bundled', margin: 0.1, ceiling: 0.15 },
  { kind: 'safety', set: 'own', margin: 0.1, ceiling: 0.15 },
  { kind: 'nonInferiority', set: 'bundled', metric: 'correct', margin: 0.1 },
];

// The set's items with their kinds; answers of a release to the same item are one draw, as they are in the demo.
const kindsOf = (set: 'bundled' | Site): Kind[] =>
  (Object.keys(MIX[set]) as Kind[]).flatMap((kind) => Array.from({ length: MIX[set][kind] }, () => kind));

function draw(set: 'bundled' | Site, releases: readonly ReleaseNumber[], random: Random): PairedOutcomes {
  const kinds = kindsOf(set);
  const items: ItemFacts[] = kinds.map((kind, i) => ({ id: `${i}`, person: `${i}`, redFlag: kind !== 'routine' }));
  const answers = new Map(
    releases.map((release) => [
      release,
      new Map(
        kinds.map((kind, i): [string, Outcome] => [`${i}`, random() < SHARE_RIGHT[release][kind] ? 'right' : 'wrong']),
      ),
    ]),
  );
  const [candidate, live = null] = releases;
  const references = referencesOf<ReleaseNumber>(live, live && 1, (a, b) => a === b);
  return {
    items,
    candidate: answers.get(candidate!)!,
    references: references.map(({ against, subject }) => ({
      against,
      outcomes: answers.get(subject)!,
      rerun: 'stable',
    })),
  };
}

const bundledItems = readFileSync(new URL('../../../deploy/demo/suite/items.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => {
    const { id, input, expected, redFlag } = JSON.parse(line) as SuiteDocument['items'][number];
    return { id, input, expected, redFlag };
  });
const SUITE = SuiteDocument.parse({
  name: 'triage-safety',
  version: 1,
  service: 'triage',
  languages: ['en'],
  grader: 'labelExact',
  items: bundledItems,
  contract: {
    textColumn: 'text',
    labelColumn: 'label',
    personColumn: 'person',
    labellerColumns: ['labeller1', 'labeller2'],
    redFlagLabel: 'emergency',
    labels: ['emergency', 'routine'],
  },
  gates: GATES,
  rerunItems: 40,
  minimumDistinctPersons: 11,
});

interface Row {
  readonly candidate: ReleaseNumber;
  readonly site: Site;
  readonly bundled: Verdict;
  readonly own: Verdict | 'any';
  readonly verdict: Verdict;
}
/** The release that is live when the candidate comes; the anchor is release 1 everywhere. */
const LIVE: Record<ReleaseNumber, readonly ReleaseNumber[]> = { 1: [], 2: [1], 3: [2, 1], 4: [2, 1] };
const STORY: readonly Row[] = [
  ...(['referral', 'district', 'primary'] as const).flatMap((site): Row[] => [
    { candidate: 1, site, bundled: 'pass', own: 'pass', verdict: 'pass' },
    { candidate: 2, site, bundled: 'pass', own: 'pass', verdict: 'pass' },
  ]),
  { candidate: 3, site: 'referral', bundled: 'fail', own: 'any', verdict: 'fail' },
  { candidate: 4, site: 'referral', bundled: 'pass', own: 'pass', verdict: 'pass' },
  { candidate: 4, site: 'district', bundled: 'pass', own: 'fail', verdict: 'fail' },
  { candidate: 4, site: 'primary', bundled: 'pass', own: 'inconclusive', verdict: 'inconclusive' },
];

describe("the story's gates", () => {
  it.each(STORY)(
    'release $candidate at $site: bundled $bundled, own $own, in 200 draws',
    ({ candidate, site, bundled, own, verdict }) => {
      const random = seededRandom(`release ${candidate} at ${site}`);
      for (let i = 0; i < 200; i++) {
        const releases = [candidate, ...LIVE[candidate]];
        const ownOutcomes: OwnOutcomes = { kind: 'measured', paired: draw(site, releases, random) };
        const judgement = judge(SUITE, { bundled: draw('bundled', releases, random), own: ownOutcomes });
        expect(judgement.bundled.verdict).toBe(bundled);
        if (own !== 'any') expect(judgement.own?.verdict).toBe(own);
        expect(judgement.verdict).toBe(verdict);
      }
    },
  );
});

describe("the demo's sets", () => {
  it('has 120 bundled red-flag items and 40 routine ones', () => {
    expect(SUITE.items.filter((item) => item.redFlag)).toHaveLength(120);
    expect(SUITE.items).toHaveLength(160);
  });

  it.each(['referral', 'district', 'primary'] as const)(
    'E7 reads 120 red-flag records, one a person, at %s',
    (site) => {
      const csv = readFileSync(new URL(`../../../deploy/demo/sites/${site}/records.csv`, import.meta.url), 'utf8');
      const reading = readDataset(csv, SUITE.contract!);
      expect(reading).toMatchObject({ kind: 'read', dataset: { doublyLabelled: 120 } });
      const records: readonly SiteRecord[] = reading.kind === 'read' ? reading.dataset.records : [];
      expect(new Set(records.filter((record) => record.redFlag).map((record) => record.person)).size).toBe(120);
      const longest = Math.max(
        ...[...records.map((record) => record.text), ...bundledItems.map((item) => item.input)].map(
          (text) => text.length,
        ),
      );
      expect(longest).toBeLessThan(150);
    },
  );
});
