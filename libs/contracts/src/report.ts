import { z } from 'zod';
import { EvaluationFailure, NodeOutcome, NodeStep, ReasonCode, WaitCode } from './codes.ts';
import { AssignmentId, Digest, Generation, Name, Uuid, Version } from './ids.ts';
import { BundledEvidence, OwnEvidence, Verdict, VerdictReason } from './suite.ts';

// What a node says. A closed list of typed values: there is no free string in it (P6), and nothing in it counts or times a
// request. Every report is a row of the node's ledger before it is sent, and is kept until the network has committed it.

/** Where the ledger stood when the report was composed: its sequence and the digest that chains its rows (P8). */
export const LedgerHead = z.strictObject({ seq: z.int().min(0), head: Digest });
export type LedgerHead = z.infer<typeof LedgerHead>;

/** `running` from the probe on; `ok`, `over` or `tooFewRequests` when the soak has ended (R3). Never a share or a count. */
export const SoakState = z.enum(['running', 'ok', 'over', 'tooFewRequests']);
export type SoakState = z.infer<typeof SoakState>;

export const AssignmentStatus = z.strictObject({
  assignment: AssignmentId,
  planHash: Digest,
  step: NodeStep,
  outcome: NodeOutcome.optional(),
  reason: ReasonCode.optional(),
  /** With `gateError`: what the gate stumbled over, where that was a bundled item. */
  failure: EvaluationFailure.optional(),
  /** Finds the text of what went wrong in the node's own log; eight hexadecimal digits, drawn at random. */
  reference: z
    .string()
    .regex(/^[0-9a-f]{8}$/)
    .optional(),
  waitsFor: WaitCode.optional(),
  /** Quarters of the evaluation done (P6). */
  progress: z.int().min(0).max(4).optional(),
  gate: z.strictObject({ verdict: Verdict, reason: VerdictReason.optional(), waivedBySite: z.boolean() }).optional(),
  soak: SoakState.optional(),
  /** Restarts of the agent or its runtime since the probe, up to 9. */
  restarts: z.int().min(0).max(9),
});
export type AssignmentStatus = z.infer<typeof AssignmentStatus>;

export const ServiceState = z.strictObject({
  service: Name,
  /** What the gateway serves. */
  active: Digest.nullable(),
  lastGood: Digest.nullable(),
  anchor: Digest.nullable(),
  serving: z.enum(['serving', 'halted', 'degraded', 'notServing']),
  pinned: z.boolean(),
  assignment: AssignmentStatus.optional(),
});
export type ServiceState = z.infer<typeof ServiceState>;

/**
 * Hardware as a class, never a serial: threads and memory given to the runtime, and how large the disk is. What is in GiB is
 * rounded down to a power of two, and at least 1.
 */
export const NodeClass = z.strictObject({
  threads: z.int().min(1).max(1024),
  memoryGiB: z.int().min(1).max(65_536),
  /** Of the data folder's disk, whatever else is on it. */
  diskGiB: z.int().min(1).max(1_048_576),
  /** Rounded down to 5 %. */
  diskFreePercent: z.int().min(0).max(100).multipleOf(5),
  runtime: z.enum(['llamaCpp', 'ollama']),
  /** Runtimes that it may load into: the Ollamas that are configured, 1 for the embedded one. */
  runtimeServers: z.int().min(1).max(8),
  runtimeVersion: Version,
  runtimeSafe: z.enum(['safe', 'unsafeAllowed', 'refused']),
});
export type NodeClass = z.infer<typeof NodeClass>;

export const StateBody = z.strictObject({
  type: z.literal('state'),
  agentVersion: Version,
  protocol: z.int().min(1),
  /** The newest desired state that was verified. */
  generation: Generation.nullable(),
  class: NodeClass,
  uptimeHours: z.int().min(0),
  services: z.array(ServiceState).max(64),
  /** Suites that this site has accepted, by digest; `tooFewItems` where its data can never pass that suite's gates (R1). */
  suites: z.array(z.strictObject({ suite: Digest, tooFewItems: z.boolean() })).max(256),
});
export type StateBody = z.infer<typeof StateBody>;

/** Fenced by plan, assignment and the digests of what was measured (R2). Counts of bundled items; of own records a verdict (E1). */
export const EvidenceBody = z.strictObject({
  type: z.literal('evidence'),
  assignment: AssignmentId,
  planHash: Digest,
  release: Digest,
  variantFile: Digest,
  suite: Digest,
  runtimeVersion: Version,
  bundled: BundledEvidence,
  /** Null where the suite reads no own records. */
  own: OwnEvidence.nullable(),
});
export type EvidenceBody = z.infer<typeof EvidenceBody>;

export const Report = z.strictObject({
  v: z.literal(1),
  site: Name,
  node: Name,
  /** One for each start of the agent; with `seq` it fences liveness, soak and the order of reports (R2). */
  boot: Uuid,
  /** Runs on across boots (D4). */
  seq: z.int().min(1),
  ledger: LedgerHead,
  body: z.discriminatedUnion('type', [StateBody, EvidenceBody]),
});
export type Report = z.infer<typeof Report>;
