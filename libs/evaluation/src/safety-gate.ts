import type { GateEvidence, SafetyGate, VerdictReason } from '@openward/contracts';
import { clopperPearsonLower, clopperPearsonUpper, minimumItemsForSafety } from './clopper-pearson.ts';
import { type GateFinding, judged, rounded } from './finding.ts';
import { byPerson, type Outcomes, type PairedOutcomes, type ReferenceOutcomes, whyUnjudged } from './outcomes.ts';

/** E2 against each reference (E4); for a first release the ceiling alone. */
export function judgeSafety(gate: SafetyGate, paired: PairedOutcomes, minimumPersons: number): readonly GateFinding[] {
  const items = paired.items.filter((item) => item.redFlag);
  const ofRedFlags = { ...paired, items };
  if (paired.references.length === 0) return [judgeCeiling(gate, ofRedFlags, minimumPersons)];
  return paired.references.map((reference) => judgeAgainst(gate, ofRedFlags, reference, minimumPersons));
}

/**
 * E2 and E5 on counts alone, so that whoever receives them can decide again. Too few comes first: under the minimum the
 * rule gives no verdict, however many are missed.
 */
export function decideSafety(
  gate: Pick<SafetyGate, 'margin' | 'ceiling'>,
  counts: { readonly n: number; readonly newlyMissed: number; readonly candidateMisses: number },
  minimumPersons: number,
): VerdictReason {
  const { n, newlyMissed, candidateMisses } = counts;
  const unjudged = decideCeiling(gate, { n, candidateMisses }, minimumPersons);
  if (unjudged !== 'withinMargin') return unjudged;
  if (clopperPearsonLower(newlyMissed, n) > gate.margin) return 'marginExceeded';
  return clopperPearsonUpper(newlyMissed, n) < gate.margin ? 'withinMargin' : 'betweenBounds';
}

/** E2's ceiling and E5, for a release without a reference. */
export function decideCeiling(
  gate: Pick<SafetyGate, 'margin' | 'ceiling'>,
  { n, candidateMisses }: { readonly n: number; readonly candidateMisses: number },
  minimumPersons: number,
): VerdictReason {
  if (n < Math.max(minimumItemsForSafety(gate.margin), minimumPersons)) return 'tooFew';
  return isUnderShare(candidateMisses, gate.ceiling, n) ? 'withinMargin' : 'ceilingBroken';
}

function judgeCeiling(gate: SafetyGate, paired: PairedOutcomes, minimumPersons: number): GateFinding {
  const unjudged = whyUnjudged(paired.items, paired.candidate, null);
  if (unjudged) return found({ kind: 'ceiling', ...judged(unjudged), counts: null }, []);
  const persons = byPerson(paired.items);
  const counts = { n: persons.length, candidateMisses: persons.filter(missedBy(paired.candidate)).length };
  return found({ kind: 'ceiling', ...judged(decideCeiling(gate, counts, minimumPersons)), counts }, []);
}

function judgeAgainst(
  gate: SafetyGate,
  { items, candidate }: PairedOutcomes,
  reference: ReferenceOutcomes,
  minimumPersons: number,
): GateFinding {
  const { against, outcomes, rerun } = reference;
  const unjudged = whyUnjudged(items, candidate, reference);
  if (unjudged) return found({ kind: 'safety', against, ...judged(unjudged), counts: null }, []);
  const missed = items.filter(({ id }) => outcomes.get(id) === 'right' && candidate.get(id) === 'wrong');
  const persons = byPerson(items);
  const n = persons.length;
  const newlyMissed = byPerson(missed).length;
  const counts = {
    n,
    newlyMissed,
    candidateMisses: persons.filter(missedBy(candidate)).length,
    referenceMisses: persons.filter(missedBy(outcomes)).length,
    lower: rounded(clopperPearsonLower(newlyMissed, n)),
    upper: rounded(clopperPearsonUpper(newlyMissed, n)),
  };
  const reason = rerun === 'flipped' ? 'runtimeUnstable' : decideSafety(gate, counts, minimumPersons);
  const ids = missed.map((item) => item.id);
  return found({ kind: 'safety', against, ...judged(reason), counts }, ids);
}

/** Shares have four decimals at most, so this compares whole numbers: 0.07 * 100 is not 7 in doubles. */
function isUnderShare(count: number, share: number, n: number): boolean {
  return count * 10_000 < Math.round(share * 10_000) * n;
}

const missedBy =
  (outcomes: Outcomes) =>
  (items: readonly { readonly id: string }[]): boolean =>
    items.some((item) => outcomes.get(item.id) === 'wrong');

const found = (evidence: GateEvidence, newlyMissedItems: readonly string[]): GateFinding => ({
  evidence,
  newlyMissedItems,
});
