import type { NonInferiorityGate, VerdictReason } from '@openward/contracts';
import { type GateFinding, judged, rounded } from './finding.ts';
import { type PairedOutcomes, type ReferenceOutcomes, whyUnjudged } from './outcomes.ts';
import { exactMcNemar, minimumItemsForNonInferiority, tangoBounds } from './tango.ts';

/** E3 against each reference, over all items. A first release is paired with none and has no such gate (E4). */
export function judgeNonInferiority(
  gate: NonInferiorityGate,
  paired: PairedOutcomes,
  minimumPersons: number,
): readonly GateFinding[] {
  return paired.references.map((reference) => judgeAgainst(gate, paired, reference, minimumPersons));
}

/** E3 and E5 on counts alone, so that whoever receives them can decide again. */
export function decideNonInferiority(
  gate: Pick<NonInferiorityGate, 'margin'>,
  counts: { readonly n: number; readonly newlyWrong: number; readonly newlyRight: number },
  minimumPersons: number,
): VerdictReason {
  if (counts.n < Math.max(minimumItemsForNonInferiority(gate.margin), minimumPersons)) return 'tooFew';
  const { lower, upper } = tangoBounds(counts.newlyWrong, counts.newlyRight, counts.n);
  if (lower > gate.margin) return 'marginExceeded';
  return upper < gate.margin ? 'withinMargin' : 'betweenBounds';
}

function judgeAgainst(
  gate: NonInferiorityGate,
  { items, candidate }: PairedOutcomes,
  reference: ReferenceOutcomes,
  minimumPersons: number,
): GateFinding {
  const { against, outcomes, rerun } = reference;
  const kind = 'nonInferiority';
  const unjudged = whyUnjudged(items, candidate, reference);
  if (unjudged) {
    return { evidence: { kind, against, ...judged(unjudged), counts: null }, newlyMissedItems: [] };
  }
  const newlyWrong = items.filter(({ id }) => outcomes.get(id) === 'right' && candidate.get(id) === 'wrong');
  const newlyRight = items.filter(({ id }) => outcomes.get(id) === 'wrong' && candidate.get(id) === 'right');
  const bounds = tangoBounds(newlyWrong.length, newlyRight.length, items.length);
  const counts = {
    n: items.length,
    newlyWrong: newlyWrong.length,
    newlyRight: newlyRight.length,
    lower: rounded(bounds.lower),
    upper: rounded(bounds.upper),
    pValue: rounded(exactMcNemar(newlyWrong.length, newlyRight.length)),
  };
  const reason = rerun === 'flipped' ? 'runtimeUnstable' : decideNonInferiority(gate, counts, minimumPersons);
  const evidence = { kind, against, ...judged(reason), counts } as const;
  return { evidence, newlyMissedItems: newlyWrong.map((item) => item.id) };
}
