import { z } from 'zod';
import { Instant, Name } from '../ids.ts';
import { EvidenceBody } from '../report.ts';
import { RolloutView } from '../rollout.ts';
import { Reason } from './common.ts';

// What is asked of a rollout that runs, and what is shown of it beside `RolloutView`.

/** In a list: without its nodes. */
export const RolloutRow = RolloutView.omit({ nodes: true });
export type RolloutRow = z.infer<typeof RolloutRow>;

export const RolloutEvidence = z.object({
  items: z.array(z.object({ assignment: z.string(), node: Name, at: Instant, evidence: EvidenceBody })),
});
export type RolloutEvidence = z.infer<typeof RolloutEvidence>;

export const PauseRollout = z.strictObject({ reason: z.string().min(1).max(500).optional() });
export type PauseRollout = z.output<typeof PauseRollout>;

export const ResumeRollout = z.strictObject({
  /** Lifts the pause that a notice of harm made, too. */
  harm: z.boolean().default(false),
});
export type ResumeRollout = z.output<typeof ResumeRollout>;

/** Nothing is said with it; a body is an object all the same. */
export const AbortRollout = z.strictObject({});

/** A node whose attempt has ended. */
export const RetryNode = z.strictObject({ node: Name });
export type RetryNode = z.infer<typeof RetryNode>;

/** `wave` is an index: the first is 0. */
export const WaiveGate = Reason.extend({ wave: z.int().min(0) });
export type WaiveGate = z.infer<typeof WaiveGate>;
