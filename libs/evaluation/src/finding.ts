import { type GateEvidence, VERDICT_OF_REASON, type VerdictReason } from '@openward/contracts';

/** What a gate found: the evidence, whose counts leave only for the bundled set, and the items, which never leave. */
export interface GateFinding {
  readonly evidence: GateEvidence;
  readonly newlyMissedItems: readonly string[];
}

export const judged = (reason: VerdictReason) => ({ verdict: VERDICT_OF_REASON[reason], reason });

/** For showing: the verdict is decided before a bound is rounded. */
export const rounded = (x: number): number => Math.round(x * 1e6) / 1e6;
