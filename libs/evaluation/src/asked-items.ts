import type { SuiteDocument } from '@openward/contracts';
import type { SiteRecord } from './dataset.ts';
import type { ItemFacts } from './outcomes.ts';
import { drawItems, seededRandom } from './rerun.ts';

export interface AskedItem extends ItemFacts {
  readonly input: string;
  readonly expected: string;
}

/** The items of one set that are asked, and the digest of that set's data. */
export interface AskedSet {
  readonly data: string;
  readonly items: readonly AskedItem[];
}

/** Only the items that a gate reads: all bundled ones for E3, else those with red flags. */
export function bundledItems(suite: SuiteDocument): readonly AskedItem[] {
  const readsAll = suite.gates.some((gate) => gate.kind === 'nonInferiority');
  return suite.items.filter((item) => readsAll || item.redFlag).map((item) => ({ ...item, person: item.id }));
}

/** Own records are read by the safety gate alone. */
export function ownItems(records: readonly SiteRecord[]): readonly AskedItem[] {
  return records
    .filter((record) => record.redFlag)
    .map(({ id, person, redFlag, text, label }) => ({ id, person, redFlag, input: text, expected: label }));
}

/** E4: draws the items that are asked again from all sets together, by the plan's seed; the same for each reference. */
export function drawAcross(sets: readonly AskedSet[], count: number, seed: number): ReadonlySet<string> {
  const tags = sets.flatMap((set) => set.items.map((item) => tagOf(set, item)));
  return new Set(drawItems(tags, count, seededRandom(String(seed))));
}

export const tagOf = (set: AskedSet, item: AskedItem): string => `${set.data} ${item.id}`;
