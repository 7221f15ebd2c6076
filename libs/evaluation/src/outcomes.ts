import type { Against, VerdictReason } from '@openward/contracts';

/** What came of asking one item: graded, or the runtime failed on it. An item that was not asked has no outcome. */
export type Outcome = 'right' | 'wrong' | 'failed';
export type Outcomes = ReadonlyMap<string, Outcome>;

/** What a gate needs to know of an item. A bundled item is about no patient: its person is its own id. */
export interface ItemFacts {
  readonly id: string;
  readonly person: string;
  readonly redFlag: boolean;
}

/** E4: what came of asking a reference some of its items again. `notRun` is not evidence of anything. */
export type Rerun = 'stable' | 'flipped' | 'failed' | 'notRun';

export interface ReferenceOutcomes {
  readonly against: Against;
  readonly outcomes: Outcomes;
  readonly rerun: Rerun;
}

/** One set's outcomes: the candidate's, and those of each reference. No references: a first release (E4). */
export interface PairedOutcomes {
  readonly items: readonly ItemFacts[];
  readonly candidate: Outcomes;
  readonly references: readonly ReferenceOutcomes[];
}

/**
 * Why a gate over these items cannot be judged, or null if it can. A runtime failure is an error, since the release or
 * the runtime is at fault; an item without an outcome is inconclusive. Neither is ever counted as a right answer, nor as
 * a wrong one: a wrong one could be offset by the margin.
 */
export function whyUnjudged(
  items: readonly ItemFacts[],
  candidate: Outcomes,
  reference: ReferenceOutcomes | null,
): VerdictReason | null {
  const some = (outcomes: Outcomes, outcome: Outcome | undefined): boolean =>
    items.some((item) => outcomes.get(item.id) === outcome);
  if (some(candidate, 'failed')) return 'candidateFailed';
  if (reference && (some(reference.outcomes, 'failed') || reference.rerun === 'failed')) return 'referenceFailed';
  if (items.length === 0 || some(candidate, undefined)) return 'nothingMeasured';
  if (reference && (some(reference.outcomes, undefined) || reference.rerun === 'notRun')) return 'nothingMeasured';
  return null;
}

/** E2: one a person. A person whose several items differ counts by the worst of them. */
export function byPerson(items: readonly ItemFacts[]): readonly (readonly ItemFacts[])[] {
  return [...Map.groupBy(items, (item) => item.person).values()];
}
