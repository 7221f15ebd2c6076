import { z } from 'zod';
import {
  BlockerCode,
  Clearer,
  EvaluationFailure,
  NodeOutcome,
  NodeStep,
  PauseCode,
  ReasonCode,
  WaitCode,
  WarningCode,
} from './codes.ts';
import { MemoryMode, SoakLimits, WindowRule } from './desired.ts';
import { AssignmentId, Digest, Instant, Name, RolloutId, Tier, Version } from './ids.ts';
import { ChangeClass } from './release.ts';
import { SoakState } from './report.ts';
import { Gate, Verdict, VerdictReason } from './suite.ts';

// What an admin asks for, the plan that answers, and what one sees of a rollout.

/** Sites by labels; each given label must have one of its values. `site` and `tier` are labels of every site. */
export const Selector = z.strictObject({ labels: z.record(Name, z.array(z.string().min(1).max(63)).min(1)) });
export type Selector = z.infer<typeof Selector>;

/** Which of the selected nodes, not yet in a wave, a wave takes: by site, by label, by number or share in seeded order, or the rest. */
export const WaveRequest = z.discriminatedUnion('by', [
  z.strictObject({ by: z.literal('sites'), sites: z.array(Name).min(1) }),
  z.strictObject({ by: z.literal('labels'), labels: Selector.shape.labels }),
  z.strictObject({ by: z.literal('count'), count: z.int().min(1) }),
  z.strictObject({ by: z.literal('percent'), percent: z.number().gt(0).max(100) }),
  z.strictObject({ by: z.literal('rest') }),
]);
export type WaveRequest = z.infer<typeof WaveRequest>;

export const OnFail = z.enum(['pause', 'rollBackWave', 'rollBackAll']);
export type OnFail = z.infer<typeof OnFail>;

/** Settings of a rollout that the plan's hash covers (R1). */
export const RolloutSettings = z.strictObject({
  tolerated: z.int().min(0).default(0),
  /** Share of a wave's nodes that must be good. */
  quorum: z.number().gt(0).max(1).default(1),
  /** From the wave's start, by the database's clock. */
  waveDeadlineMs: z
    .int()
    .min(1000)
    .max(30 * 86_400_000)
    .default(86_400_000),
  /** Of the first wave, where it is to have another deadline than those after it. */
  canaryDeadlineMs: z
    .int()
    .min(1000)
    .max(30 * 86_400_000)
    .optional(),
  /** Permits outstanding at once; a tenth of the wave, at least 1, where it is not given (R4). */
  maxConcurrent: z.int().min(1).optional(),
  onFail: OnFail.default('rollBackAll'),
  soak: SoakLimits.default({
    soakMs: 3_600_000,
    errorShare: 0.05,
    minRequests: 20,
    restarts: 3,
    probeTimeoutMs: 30_000,
  }),
  windows: z.array(WindowRule).default([]),
  seed: z.int().min(0).max(2_147_483_647).default(1),
  /** Later waves may fetch and stage, never evaluate, before they begin. */
  prefetch: z.boolean().default(true),
});
export type RolloutSettings = z.infer<typeof RolloutSettings>;

export const PlanRequest = z.strictObject({
  service: Name,
  release: z.int().min(1),
  select: Selector.default({ labels: {} }),
  waves: z
    .array(WaveRequest)
    .min(1)
    .max(50)
    .default([{ by: 'rest' }]),
  settings: RolloutSettings.prefault({}),
});
export type PlanRequest = z.infer<typeof PlanRequest>;

/** A node in the plan. What the hash covers stands first; `shown` is for people and is not hashed. */
export const PlannedNode = z.object({
  node: Name,
  site: Name,
  from: Digest.nullable(),
  /** Of the release after `from`: what the site's standing rules go by, which may be wider than the release's own. */
  change: ChangeClass,
  variant: Version,
  rollbackTarget: Digest.nullable(),
  memoryMode: MemoryMode,
  shown: z.object({
    tier: Tier,
    /** Why this variant: the first in the version's order whose needs the node's class meets. */
    why: z.string(),
    bytes: z.int().min(0),
    /** At the link's stated rate; null where the site states none. */
    seconds: z.number().nullable(),
    warnings: z.array(WarningCode),
  }),
});
export type PlannedNode = z.infer<typeof PlannedNode>;

export const BlockedNode = z.object({ node: Name, site: Name, why: BlockerCode, detail: z.string() });
export type BlockedNode = z.infer<typeof BlockedNode>;

export const Plan = z.object({
  hash: Digest,
  service: Name,
  release: z.object({ digest: Digest, number: z.int() }),
  waves: z.array(z.object({ nodes: z.array(PlannedNode).min(1) })),
  settings: RolloutSettings,
  /** Of the suite, with their margins and ceilings; hashed. */
  gates: z.array(Gate),
  suite: Digest,
  blocked: z.array(BlockedNode),
  /** Nodes that a live rollout of the service holds today: a start is refused unless it supersedes (R5). Not hashed. */
  live: z.array(z.object({ node: Name, rollout: RolloutId })),
  warnings: z.array(z.object({ code: WarningCode, detail: z.string() })),
});
export type Plan = z.infer<typeof Plan>;

export const StartRequest = z.strictObject({
  plan: PlanRequest,
  /** Of the plan that was approved; a plan that hashes otherwise today is refused and the difference printed. */
  approvedHash: Digest,
  supersede: z.boolean().default(false),
});
export type StartRequest = z.infer<typeof StartRequest>;

export const RolloutStatus = z.enum(['running', 'paused', 'rollingBack', 'completed', 'aborted', 'rolledBack']);
export type RolloutStatus = z.infer<typeof RolloutStatus>;

/** Why something waits, since when, and who can clear it: what `rollouts watch` and `doctor` print. */
export const Wait = z.object({
  code: z.union([
    WaitCode,
    PauseCode,
    z.enum(['soak', 'quorum', 'unreached', 'owed', 'fetching', 'evaluating', 'activating']),
  ]),
  since: Instant,
  clearedBy: Clearer,
  what: z.string(),
});
export type Wait = z.infer<typeof Wait>;

/** R3. `unknown` is all else: waiting, deferred, inconclusive, out of reach. */
export const NodeStanding = z.enum(['good', 'failed', 'declined', 'unknown']);
export type NodeStanding = z.infer<typeof NodeStanding>;

export const RolloutNodeView = z.object({
  node: Name,
  site: Name,
  wave: z.int().min(0),
  attempt: z.int().min(1),
  assignment: AssignmentId,
  standing: NodeStanding,
  /** Null until the node has reported on this assignment: not reached (R7). */
  step: NodeStep.nullable(),
  outcome: NodeOutcome.nullable(),
  reason: ReasonCode.nullable(),
  /** With `gateError`: what its evaluation stumbled over, where that was an item of the suite, and what to do. */
  failure: z.object({ code: EvaluationFailure, what: z.string() }).nullable().default(null),
  gate: z.object({ verdict: Verdict, reason: VerdictReason.nullable(), waivedBySite: z.boolean() }).nullable(),
  soak: SoakState.nullable(),
  waits: z.array(Wait),
  late: z.boolean(),
  owed: z.boolean(),
});
export type RolloutNodeView = z.infer<typeof RolloutNodeView>;

export const WaveGateView = z.object({
  wave: z.int().min(0),
  verdict: z.enum(['pass', 'fail', 'inconclusive', 'open', 'notStarted']),
  good: z.int(),
  failed: z.int(),
  declined: z.int(),
  unknown: z.int(),
  needed: z.int(),
  deadline: Instant.nullable(),
  waived: z.object({ by: z.string(), reason: z.string(), at: Instant }).nullable(),
});
export type WaveGateView = z.infer<typeof WaveGateView>;

export const RolloutView = z.object({
  id: RolloutId,
  service: Name,
  release: z.object({ digest: Digest, number: z.int() }),
  planHash: Digest,
  status: RolloutStatus,
  /** The wave that is open, from 0; the last one when the rollout has ended. */
  wave: z.int().min(0),
  pauses: z.array(
    z.object({ code: PauseCode, since: Instant, by: z.string().nullable(), detail: z.string().nullable() }),
  ),
  waves: z.array(WaveGateView),
  /** What the rollout as a whole waits for; what a node waits for stands with the node. */
  waits: z.array(Wait),
  nodes: z.array(RolloutNodeView),
  startedAt: Instant,
  endedAt: Instant.nullable(),
  /** Who ended it before its time, and why; null where it completed, goes on, or ended before this was kept. */
  ending: z.object({ by: z.string(), why: z.string().nullable() }).nullable().default(null),
  startedBy: z.string(),
  /** Nodes that something is awaited of. After the end they are late, or owe a way back, and are told so when they return. */
  awaited: z.int().min(0),
  version: z.int(),
});
export type RolloutView = z.infer<typeof RolloutView>;
