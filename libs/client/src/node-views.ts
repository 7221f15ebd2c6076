import {
  ChangeClass,
  Clearer,
  DatasetContract,
  Digest,
  Name,
  NodeStep,
  ServiceState,
  Verdict,
  VerdictReason,
  Version,
  WaitCode,
  WindowRule,
} from '@openward/contracts';
import { z } from 'zod';

// What an agent answers over its local socket. It never crosses the network, so an agent and its own command line are the
// only two that must agree; unknown fields are kept, for `--json`.

const Served = z.looseObject({
  service: Name,
  number: z.int().nullish(),
  release: Digest.nullish(),
  stopped: z.string().nullish(),
  /** Its policy has expired, and this site chose the fallback text for that: callers are told it, and nothing else. */
  policyExpired: z.boolean().default(false),
});

export const FetchView = z.looseObject({
  service: Name,
  /** Digest of the file. */
  file: z.string(),
  doneBytes: z.number(),
  totalBytes: z.number(),
  /** Of those done, what stood on the disk already. */
  reusedBytes: z.number(),
});
export type FetchView = z.infer<typeof FetchView>;

/** Which rule, and which test: for the people of this site alone. */
export const NodePolicyRefusal = z.looseObject({
  service: Name,
  release: Digest,
  number: z.int(),
  findings: z.array(z.looseObject({ code: z.string(), where: z.string(), message: z.string() })),
  at: z.number(),
});
export type NodePolicyRefusal = z.infer<typeof NodePolicyRefusal>;

/** What a step back would go to, and what is to be known of where a service stands. */
const Standing = z.looseObject({
  service: Name,
  wayBack: z.object({ number: z.int(), isAnchor: z.boolean() }).nullable(),
  findings: z.array(z.object({ why: z.string(), next: z.string() })),
});

export const NodeStatus = z.looseObject({
  site: Name,
  node: Name,
  gateway: z.string().nullable(),
  connected: z.boolean(),
  credentialsUntil: z.string(),
  uptimeHours: z.number(),
  serving: z.array(Served),
  /** An agent of before does not say. */
  standing: z.array(Standing).default([]),
  report: z.looseObject({ services: z.array(ServiceState) }),
  fetches: z.array(FetchView),
  /** Over the link, since the agent's start. */
  fetchedBytes: z.int(),
  /** Of releases that were offered last: why their policy is refused here. */
  policyRefusals: z.array(NodePolicyRefusal).default([]),
  pid: z.int(),
});
export type NodeStatus = z.infer<typeof NodeStatus>;

export const NodeOffer = z.looseObject({
  service: Name,
  assignment: z.string(),
  release: Digest,
  number: z.int(),
  change: ChangeClass,
  /** What serves is not what `change` was checked from, so that a person is asked where a rule names classes. */
  changeIsStale: z.boolean().default(false),
  model: z.string(),
  variant: Version,
  /** Of all its files. */
  bytes: z.number(),
  /** Of these, what is on the node's disk in no whole file; an agent of before does not say. */
  missingBytes: z.number().nullable().default(null),
  suite: z.object({ digest: Digest, readsSiteData: z.boolean(), accepted: z.boolean() }),
  step: NodeStep,
  question: z.enum(['prepare', 'acceptSuite', 'activate', 'waive', 'release']).nullable(),
  waitsFor: WaitCode.nullable(),
  /** An agent of an earlier version does not say. */
  waitsSince: z.number().nullable().default(null),
  deferredUntil: z.number().nullable(),
  gate: z.object({ verdict: Verdict, reason: VerdictReason, hasLeft: z.boolean() }).nullable(),
  result: z.unknown(),
});
export type NodeOffer = z.infer<typeof NodeOffer>;

export const NodeSuite = z.looseObject({
  service: Name,
  name: Name,
  version: z.int(),
  digest: Digest,
  readsSiteData: z.boolean(),
  bundledItems: z.int(),
  accepted: z.boolean(),
});
export type NodeSuite = z.infer<typeof NodeSuite>;

const Rule = z.strictObject({
  services: z.array(Name).min(1).optional(),
  changes: z.array(ChangeClass).min(1).optional(),
  maxBytes: z.int().min(1).optional(),
  hours: z.array(WindowRule).min(1).optional(),
});
/** What may be prepared and activated without a person (N2). A rule without a field bounds nothing by it. */
export const NodeRules = z.strictObject({ prepare: z.array(Rule), activate: z.array(Rule) });
export type NodeRules = z.infer<typeof NodeRules>;

export const NodeFinding = z.object({
  level: z.enum(['ok', 'warning', 'problem']),
  what: z.string(),
  why: z.string(),
  clearedBy: Clearer.nullable(),
  next: z.string(),
  /** An instant; absent where the node does not know it. */
  since: z.string().optional(),
});
export type NodeFinding = z.infer<typeof NodeFinding>;

/** One row of the ledger: what left, byte for byte, in base64. */
export const Disclosure = z.looseObject({
  seq: z.int(),
  kind: z.string(),
  subject: z.string(),
  bytes: z.base64(),
  at: z.number(),
  head: z.string(),
});
export type Disclosure = z.infer<typeof Disclosure>;

export const DisclosureSummary = z.object({
  kinds: z.record(z.string(), z.object({ rows: z.int(), bytes: z.int() })),
});
export type DisclosureSummary = z.infer<typeof DisclosureSummary>;

export const DataSetView = z.looseObject({
  /** What it is called outside the site (E7). */
  commitment: z.string().optional(),
  name: z.string(),
  version: z.int(),
  card: z.looseObject({}),
  addedAt: z.number(),
});
export type DataSetView = z.infer<typeof DataSetView>;

export interface AddDataSet {
  readonly name: string;
  readonly csv: string;
  readonly columns: DatasetContract;
  readonly card: Readonly<Record<string, unknown>>;
}
export const AddedDataSet = z.object({ version: z.int(), records: z.int(), persons: z.int() });
export type AddedDataSet = z.infer<typeof AddedDataSet>;

export const NodeKey = z.looseObject({
  id: z.string(),
  application: z.string(),
  createdAt: z.number(),
  revokedAt: z.number().nullable(),
});
export type NodeKey = z.infer<typeof NodeKey>;
/** `key` is shown once; only its digest is stored. */
export const AddedKey = z.object({ id: z.string(), application: Name, key: z.string() });
export type AddedKey = z.infer<typeof AddedKey>;

/** An agent of before does not say what is served. */
export const Commanded = z.object({
  done: z.literal(true),
  serves: z.object({ release: Digest, number: z.int() }).nullable().default(null),
  /** Before the command. */
  wasHalted: z.boolean().default(true),
});
export type Commanded = z.infer<typeof Commanded>;
export type NodeCommand =
  /** Assignment and question as the offer says that was read; refused where either is another by then. */
  | {
      readonly kind: 'accept';
      readonly service: Name;
      readonly assignment: string;
      readonly question: 'prepare' | 'activate' | 'waive' | 'release';
      readonly holdResult?: boolean;
    }
  | {
      readonly kind: 'acceptInconclusive';
      readonly service: Name;
      readonly assignment: string;
      readonly reason: string;
    }
  /** `until`: milliseconds since 1970. Without an assignment: whatever stands there. */
  | { readonly kind: 'defer'; readonly service: Name; readonly assignment?: string; readonly until: number }
  | { readonly kind: 'reject'; readonly service: Name; readonly assignment?: string; readonly reason: string }
  | { readonly kind: 'halt' | 'resume' | 'pin' | 'unpin'; readonly service: Name }
  /** `to`: the number of the release that is meant; the anchor, where no plan named it, is gone to with it alone. */
  | { readonly kind: 'rollback'; readonly service: Name; readonly to?: number }
  | { readonly kind: 'acceptSuite'; readonly suite: Digest }
  | { readonly kind: 'setRules'; readonly rules: NodeRules }
  /** P8: after the data folder was restored from a snapshot. */
  | { readonly kind: 'acknowledgeLedger'; readonly reason: string };
