import {
  type Against,
  type BundledEvidence,
  type EvidenceSet,
  type OwnEvidence,
  type SuiteDocument,
  type Verdict,
  VERDICT_OF_REASON,
  type VerdictReason,
} from '@openward/contracts';
import { minimumItemsForSafety } from './clopper-pearson.ts';
import { type GateFinding, judged } from './finding.ts';
import { LocalDetails } from './local-details.ts';
import { judgeNonInferiority } from './non-inferiority-gate.ts';
import type { PairedOutcomes } from './outcomes.ts';
import { judgeSafety } from './safety-gate.ts';

/** Why a site's own records were not read at all. None of these tells anything about a record. */
export type WithheldReason = Extract<
  VerdictReason,
  'dataMissing' | 'dataExpired' | 'dataChangedTooLittle' | 'suiteNotAccepted' | 'verdictBudgetSpent'
>;

/** The site's own records as a suite meets them: not asked for, withheld before a record was read, judged before (E6), or measured. */
export type OwnOutcomes =
  | { readonly kind: 'notAsked' }
  | { readonly kind: 'withheld'; readonly reason: WithheldReason }
  | { readonly kind: 'again'; readonly evidence: OwnEvidence }
  | { readonly kind: 'measured'; readonly paired: PairedOutcomes };

/**
 * `bundled` may leave with its counts, fenced (R2). `own` is all that may leave about own records, null where the suite
 * reads none. `verdict` is the activation gate's. `local` stays on the node, and refuses to be serialised.
 */
export interface Judgement {
  readonly verdict: Verdict;
  readonly reason: VerdictReason;
  readonly bundled: BundledEvidence;
  readonly own: OwnEvidence | null;
  readonly local: LocalDetails;
}

/** Judges every gate of a suite against each reference (E2 to E5). All must pass, on each of the two sets (E1). */
export function judge(suite: SuiteDocument, measured: { bundled: PairedOutcomes; own: OwnOutcomes }): Judgement {
  const bundled = findings(suite, 'bundled', measured.bundled);
  const own = measured.own.kind === 'measured' ? findings(suite, 'own', measured.own.paired) : [];
  const bundledReason = worst(bundled.map((finding) => finding.evidence.reason));
  const ownReason = ownReasonOf(suite, measured.own, own);
  const reason = worst(ownReason === null ? [bundledReason] : [bundledReason, ownReason]);
  return {
    ...judged(reason),
    bundled: { ...judged(bundledReason), gates: bundled.map((finding) => finding.evidence) },
    own: ownReason === null ? null : judged(ownReason),
    local: new LocalDetails(bundled, own),
  };
}

/** E4: the candidate must pass against each; where the anchor is the live release, they are one reference. */
export function referencesOf<T>(
  live: T | null,
  anchor: T | null,
  same: (a: T, b: T) => boolean,
): readonly { readonly against: Against; readonly subject: T }[] {
  if (live && anchor && same(live, anchor)) return [{ against: 'liveAndAnchor', subject: live }];
  return [
    ...(live ? [{ against: 'live' as const, subject: live }] : []),
    ...(anchor ? [{ against: 'anchor' as const, subject: anchor }] : []),
  ];
}

/** R1's `tooFewItems`: whether own records with this many red-flag persons can never pass the suite's gates (E5). */
export function canNeverPass(suite: SuiteDocument, redFlagPersons: number): boolean {
  return suite.gates.some(
    (gate) =>
      gate.set === 'own' && redFlagPersons < Math.max(minimumItemsForSafety(gate.margin), suite.minimumDistinctPersons),
  );
}

function findings(suite: SuiteDocument, set: EvidenceSet, paired: PairedOutcomes): readonly GateFinding[] {
  return suite.gates
    .filter((gate) => gate.set === set)
    .flatMap((gate) =>
      gate.kind === 'safety'
        ? judgeSafety(gate, paired, suite.minimumDistinctPersons)
        : judgeNonInferiority(gate, paired, suite.minimumDistinctPersons),
    );
}

/** Decided by the suite, not by what was handed in: a suite that reads own records cannot be passed without them. */
function ownReasonOf(suite: SuiteDocument, own: OwnOutcomes, found: readonly GateFinding[]): VerdictReason | null {
  if (!suite.gates.some((gate) => gate.set === 'own')) return null;
  switch (own.kind) {
    case 'notAsked':
      return 'dataMissing';
    case 'withheld':
      return own.reason;
    case 'again':
      return own.evidence.reason;
    case 'measured':
      return worst(found.map((finding) => finding.evidence.reason));
  }
}

const SEVERITY = ['fail', 'error', 'inconclusive', 'pass'] as const satisfies readonly Verdict[];

/** A fail is a fail whatever else could not be judged; nothing judged is inconclusive. The first of the worst stands. */
export function worst(reasons: readonly VerdictReason[]): VerdictReason {
  for (const verdict of SEVERITY) {
    const reason = reasons.find((one) => VERDICT_OF_REASON[one] === verdict);
    if (reason) return reason;
  }
  return 'nothingMeasured';
}
