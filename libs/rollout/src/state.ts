import type {
  Assignment,
  AssignmentPhase,
  AssignmentStatus,
  Digest,
  ModelVariant,
  Name,
  OwnEvidence,
  PauseCode,
  Plan,
  RolloutId,
} from '@openward/contracts';
import type { PolicyTimes } from './policy-time.ts';

// A rollout is this value and nothing else: plain JSON, so that any replica can load it, decide and store it again (R9).
// Times are milliseconds since 1970 by the database's clock (T1).

/** Rows written by a newer engine are left alone by an older replica (V2). Raise it when this type changes meaning. */
export const ENGINE_VERSION = 1;

/** What assignments carry beside the plan; frozen when the rollout starts. */
export interface Offer {
  readonly release: Assignment['release'];
  readonly suite: Assignment['suite'];
  readonly variants: readonly Pick<ModelVariant, 'variant' | 'artifact' | 'base'>[];
  readonly policy: PolicyTimes;
}

/** What the node last said of its present attempt, without the fence it came through. */
export type Said = Pick<AssignmentStatus, 'step' | 'restarts'> & {
  readonly outcome: NonNullable<AssignmentStatus['outcome']> | null;
  readonly reason: NonNullable<AssignmentStatus['reason']> | null;
  /** Rows that were written before it was kept have none. */
  readonly failure?: NonNullable<AssignmentStatus['failure']> | null;
  readonly waitsFor: NonNullable<AssignmentStatus['waitsFor']> | null;
  readonly gate: NonNullable<AssignmentStatus['gate']> | null;
  readonly soak: NonNullable<AssignmentStatus['soak']> | null;
  readonly progress: number | null;
};

/** Verdicts of evidence that passed the fence (R2). A fail of an attempt is never replaced. */
export interface Judged {
  readonly bundled: OwnEvidence;
  /** Null where the suite reads no own records. */
  readonly own: OwnEvidence | null;
}

export interface NodeState {
  readonly node: Name;
  readonly site: Name;
  readonly wave: number;
  /** From 1; with rollout and node it names the assignment. */
  readonly attempt: number;
  /** What the desired state tells the node; null before anything is offered to it. */
  readonly phase: AssignmentPhase | null;
  readonly phaseSince: number;
  /** A wave of its own, in a rollout that has completed (R7). */
  readonly late: boolean;
  /** Attempts before this one that failed in the node's wave; they count against `tolerated` for ever. */
  readonly pastFailures: number;
  /** The newest report that said anything new, or the first since `phaseSince`: it fences older ones (R2). */
  readonly seen: { readonly boot: string; readonly seq: number; readonly at: number } | null;
  /** Null until the node has reported on this attempt: not reached (R7). */
  readonly said: Said | null;
  /** Since when step and wait are what they are. */
  readonly saidSince: number | null;
  /** This attempt has failed once; whatever is said of it later, it counts (R4). */
  readonly hasFailed: boolean;
  readonly pinned: boolean;
  readonly halted: boolean;
  readonly judged: Judged | null;
  /** The newest permit of this attempt; asking again replaces it (R4). Spent once the node has said that it is active. */
  readonly permit: { readonly nonce: string; readonly at: number; readonly isSpent: boolean } | null;
  /** A newer rollout has this node: nothing is told to it from here any more. */
  readonly takenBy: RolloutId | null;
  /** It was told to go back and has not said that it did in time. */
  readonly owedSince: number | null;
}

export interface Waiver {
  readonly by: string;
  readonly reason: string;
  readonly at: number;
}

export type WaveState =
  | { readonly kind: 'notStarted' }
  | { readonly kind: 'open'; readonly since: number; readonly deadline: number }
  | { readonly kind: 'passed'; readonly since: number; readonly deadline: number; readonly waiver: Waiver | null }
  | { readonly kind: 'failed'; readonly since: number; readonly deadline: number };

export interface Pause {
  readonly code: PauseCode;
  readonly since: number;
  readonly by: string | null;
  readonly detail: string | null;
}

/** Which waves go back, from the highest to `downTo`. */
export interface RollBackScope {
  readonly downTo: number;
  /** The wave whose nodes are told now; -1 when all have been. */
  readonly at: number;
  readonly toldSince: number;
}

export type Life =
  | { readonly kind: 'running' }
  | {
      readonly kind: 'rollingBack';
      readonly by: string;
      readonly why: string;
      readonly scope: RollBackScope;
      /** A recall takes nodes back after the rollout was aborted, and leaves it the end that it had. */
      readonly ended?: { readonly kind: 'aborted'; readonly at: number };
    }
  | { readonly kind: 'completed'; readonly at: number }
  | ({ readonly kind: 'aborted'; readonly at: number } & Ending)
  | ({ readonly kind: 'rolledBack'; readonly at: number; readonly downTo: number } & Ending);

/** Who ended it before its time, and why. Rows that were written before it was kept have none. */
interface Ending {
  readonly by?: string;
  readonly why?: string | null;
}

export interface RolloutState {
  readonly engine: number;
  readonly id: RolloutId;
  readonly service: Name;
  /** As approved, without the nodes whose `from` had changed at the start; the hash stays the approved one. */
  readonly plan: Plan;
  readonly offer: Offer;
  readonly startedAt: number;
  readonly startedBy: string;
  readonly life: Life;
  /** The wave that is open, from 0; the last that was when the rollout has ended. */
  readonly wave: number;
  readonly waves: readonly WaveState[];
  readonly nodes: Readonly<Record<Name, NodeState>>;
  readonly pauses: readonly Pause[];
  /** Once recalled, no permit, no late attempt, and no site's pin holds the way back. */
  readonly recalled: boolean;
}

/** The digest that evidence must name as the file measured, or null for a variant that the offer does not have. */
export const fileOfVariant = (offer: Offer, variant: string): Digest | null =>
  offer.variants.find((it) => it.variant === variant)?.artifact.file ?? null;
