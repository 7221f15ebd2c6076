import { z } from 'zod';
import { ArtifactRef } from './artifact.ts';
import { AssignmentId, Digest, Generation, Instant, Name, RolloutId, Version } from './ids.ts';
import { ChangeClass, SuiteRef } from './release.ts';

// What the network wants of one node: whole, level-triggered, signed, in one key of the bucket. A node acts on the newest
// it has verified and never on a queue of older ones. It carries digests; files come over the bulk connection.

/**
 * How far the network lets an assignment go. `prepare`: offered, may be fetched and staged, not evaluated. `proceed`: its wave
 * has begun. `commit`: its wave has passed. `complete`: the rollout is over and its release is last good (R6). `withdraw`:
 * what is staged is dropped, what is active stays. `rollBack`: back to the target, with no permit, gate or consent (R4).
 */
export const AssignmentPhase = z.enum(['prepare', 'proceed', 'commit', 'complete', 'withdraw', 'rollBack']);
export type AssignmentPhase = z.infer<typeof AssignmentPhase>;

/** Limits that a node judges by itself during its soak (R2, R3). Times in milliseconds on the node's monotonic clock. */
export const SoakLimits = z.object({
  soakMs: z.int().min(0),
  errorShare: z.number().min(0).max(1),
  minRequests: z.int().min(1),
  restarts: z.int().min(0),
  probeTimeoutMs: z.int().min(100),
});
export type SoakLimits = z.infer<typeof SoakLimits>;

/**
 * Below this no node judges, whatever its assignment says: a soak that a single question could end would tell the network what was asked.
 * `minFailed` is of requests.
 */
export const SOAK_FLOOR = { errorShare: 0.01, minRequests: 20, minFailed: 3 } as const;

/** Hours of a week in which a node may change release, in the site's time zone; empty is always. */
export const WindowRule = z.object({
  days: z.array(z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])).min(1),
  from: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/),
  to: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/),
});
export type WindowRule = z.infer<typeof WindowRule>;

export const MemoryMode = z.enum(['sideBySide', 'swap']);
export type MemoryMode = z.infer<typeof MemoryMode>;

/** One node's part in a rollout. Everything a site needs to decide stands here, so that nothing is fetched before it has. */
export const Assignment = z.object({
  id: AssignmentId,
  rollout: RolloutId,
  planHash: Digest,
  attempt: z.int().min(1),
  phase: AssignmentPhase,
  service: Name,
  release: z.object({
    digest: Digest,
    number: z.int().min(1),
    change: ChangeClass,
    model: Name,
    modelVersion: Version,
    /** The release document itself. */
    document: ArtifactRef,
  }),
  variant: z.object({
    name: Version,
    artifact: ArtifactRef,
    base: ArtifactRef.optional(),
    memoryMode: MemoryMode,
  }),
  suite: SuiteRef.extend({ readsSiteData: z.boolean(), bundledItems: z.int().min(0) }),
  /** What the plan saw the node run, and what it goes back to. */
  from: Digest.nullable(),
  rollbackTarget: Digest.nullable(),
  soak: SoakLimits,
  windows: z.array(WindowRule),
  /** Of the plan: draws the items that are run again (E4). */
  seed: z.int().min(0),
});
export type Assignment = z.infer<typeof Assignment>;

/**
 * Every file that an assignment needs on the node's disk, in the order in which they are fetched: what tells about the release
 * before what weighs. Consent, fetch, refill, rights and removal all go by this one list.
 */
export const artifactsOf = ({ release, suite, variant }: Assignment): ArtifactRef[] => [
  release.document,
  suite.artifact,
  ...(variant.base === undefined ? [] : [variant.base]),
  variant.artifact,
];

export const DesiredService = z.object({
  service: Name,
  /** The newest assignment of the service for this node, kept after its rollout has ended. */
  assignment: Assignment.nullable(),
});
export type DesiredService = z.infer<typeof DesiredService>;

export const DesiredState = z.object({
  v: z.literal(1),
  minProtocol: z.int().min(1),
  site: Name,
  node: Name,
  generation: Generation,
  issuedAt: Instant,
  /** The highest contiguous report of this node that is committed (D4). */
  ackedThrough: z.int().min(0),
  services: z.array(DesiredService),
  /** Releases that must not be served anywhere. */
  recalled: z.array(Digest),
  /** Families whose chunks the node's bulk credential should reach; a new one asks for renewal. */
  families: z.array(Name),
});
export type DesiredState = z.infer<typeof DesiredState>;
