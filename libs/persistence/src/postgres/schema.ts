import type {
  ArtifactManifest,
  ArtifactRef,
  Assignment,
  ChatTemplate,
  Digest,
  EvidenceBody,
  Generation,
  LedgerHead,
  Name,
  PromptPolicy,
  Release,
  Report,
  Role,
  RolloutId,
  Service,
  StateBody,
  SuiteDocument,
  Tier,
  VariantNeeds,
  Version,
} from '@openward/contracts';
import type { RolloutState } from '@openward/rollout';
import type { ColumnType, Generated, GeneratedAlways } from 'kysely';

// The tables as code sees them; `migrations/` makes them. Times are `timestamptz` by the database's clock (T1). A jsonb column
// is written as text, since the driver would make a PostgreSQL array of a JavaScript one.

/** Read as a value, written as JSON text: `JSON.stringify`. */
export type Json<T> = ColumnType<T, string, string>;

export type NullableJson<T> = ColumnType<T | null, string | null | undefined, string | null>;

/** Set by the database's clock where it is left out. */
type Stamped = Generated<Date>;

export interface SiteTable {
  name: Name;
  tier: Tier;
  labels: Json<Record<string, string>>;
  languages: Json<string[]>;
  time_zone: string;
  link_bytes_per_second: number | null;
  created_at: Stamped;
}

/** A node keeps its row when it is revoked, and gets it back when it enrols anew: `enrolment` counts how often it has. */
export interface NodeTable {
  name: Name;
  site: Name;
  enrolment: Generated<number>;
  identity_key: string;
  identity_key_id: string;
  control_key: string;
  bulk_key: string;
  credentials_until: Date | null;
  enrolled_at: Stamped;
  revoked_at: Date | null;
  /** D4: the highest contiguous sequence of this enrolment whose rows are committed. */
  acked_through: Generated<number>;
  /** The highest sequence, contiguous or not, and the head of the ledger in that report (P8). */
  newest_seq: Generated<number>;
  newest_ledger: NullableJson<LedgerHead>;
}

/** Each NATS user key that credentials were made for, until the last of them ends. A trigger on `nodes` writes it. */
export interface NodeKeyTable {
  node: Name;
  key: string;
  valid_until: Date;
}

/** Whether the NATS server holds a control connection of the node, as a replica saw last. No row: never seen. */
export interface NodeLinkTable {
  node: Name;
  connected: boolean;
  since: Stamped;
}

/** Each nonce that a node renewed with: a frame that is shown again is refused. */
export interface NodeRenewalTable {
  node: Name;
  nonce: string;
  at: Stamped;
}

/** NATS user keys that must never be let in again, whatever became of their node since (D5). */
export interface RevokedKeyTable {
  key: string;
  node: Name;
  revoked_at: Stamped;
}

/** The secret itself is shown once and never stored. */
export interface EnrolmentTokenTable {
  id: string;
  site: Name;
  digest: Digest;
  created_at: Stamped;
  expires_at: Date;
  used_by: Name | null;
  used_at: Date | null;
}

export interface AccessTokenTable {
  name: Name;
  digest: Digest;
  role: Role;
  created_at: Stamped;
  expires_at: Date;
  revoked_at: Date | null;
}

export interface ServiceTable {
  name: Name;
  document: Json<Service>;
  /** The number of its newest release; the row is locked while the next one is made. */
  last_number: Generated<number>;
  created_at: Stamped;
}

/** What the network may deliver: under another family the same file is another artifact, since rights go by family (D2). */
export interface ArtifactTable {
  manifest: Digest;
  family: Name;
  file: Digest;
  size: number;
  kind: ArtifactManifest['kind'];
  created_at: Stamped;
}

export interface ModelVersionTable {
  name: Name;
  version: Version;
  family: Name;
  kind: 'base' | 'adapter';
  base_name: Name | null;
  base_version: Version | null;
  template: Json<ChatTemplate>;
  context_length: number;
  training_statement: string;
  created_at: Stamped;
  /** Not kept for its own sake any more (D7); what a node or a rollout still needs of it stays. */
  retired_at: Date | null;
}

export interface ModelVariantTable {
  name: Name;
  version: Version;
  variant: Version;
  /** The version's own order (R1): the order of registration. */
  position: number;
  artifact: Json<ArtifactRef>;
  base: NullableJson<ArtifactRef>;
  needs: Json<VariantNeeds>;
  created_at: Stamped;
}

export interface SuiteTable {
  name: Name;
  version: number;
  service: Name;
  digest: Digest;
  artifact: Json<ArtifactRef>;
  document: Json<SuiteDocument>;
  created_at: Stamped;
}

/** `newest`: the highest revision; the row is locked while the next one is registered. */
export interface PolicyTable {
  id: Name;
  newest: number;
  created_at: Stamped;
}

export interface PolicyRevisionTable {
  id: Name;
  revision: number;
  digest: Digest;
  document: Json<PromptPolicy>;
  created_at: Stamped;
  created_by: string;
}

export interface ReleaseTable {
  digest: Digest;
  service: Name;
  number: number;
  model_name: Name;
  model_version: Version;
  document: Json<Release>;
  artifact: Json<ArtifactRef>;
  created_at: Stamped;
  created_by: string;
  recalled_at: Date | null;
  recalled_by: string | null;
  recalled_reason: string | null;
}

/** `engine`: rows of a newer engine are left alone (V2). */
export interface RolloutTable {
  id: RolloutId;
  /** The order of starts, for lists. */
  position: GeneratedAlways<number>;
  service: Name;
  release: Digest;
  engine: number;
  version: number;
  open: boolean;
  due_at: Date | null;
  state: Json<RolloutState>;
}

export interface RolloutNodeTable {
  rollout: RolloutId;
  node: Name;
}

/**
 * A report makes its rollouts due by a row here and never by an update of theirs: an update would wait for the turn that
 * holds the row, and one that found it due already would be lost when that turn, which has not seen the report, sets `due_at`.
 */
export interface RolloutMarkTable {
  id: GeneratedAlways<number>;
  rollout: RolloutId;
  due_at: Date;
}

/** The newest assignment of each service for a node. */
export interface AssignmentTable {
  node: Name;
  service: Name;
  id: string;
  rollout: RolloutId;
  document: Json<Assignment>;
  set_at: Stamped;
}

/** Which variant of a release a node was told to take, ever: it never takes another silently (R1). */
export interface NodeReleaseTable {
  node: Name;
  release: Digest;
  service: Name;
  variant: Version;
}

/** One row for each node that was ever told anything. `revision` is that of its key in the bucket, as last recorded (D3). */
export interface DesiredTable {
  node: Name;
  epoch: number;
  number: number;
  revision: Generated<number>;
  changed_at: Stamped;
}

/** D3: names the node, never the content. One row a node: rows that wait together are one. */
export interface OutboxTable {
  node: Name;
  site: Name;
  epoch: number;
  number: number;
  created_at: Stamped;
  leased_until: Date | null;
}

export interface ReportTable {
  node: Name;
  boot: string;
  seq: number;
  enrolment: number;
  stored_at: Stamped;
  ledger: Json<LedgerHead>;
  body: Json<Report['body']>;
}

/** The state with the highest sequence. */
export interface NodeStateTable {
  node: Name;
  boot: string;
  seq: number;
  stored_at: Date;
  body: Json<StateBody>;
}

/** The evidence with the highest sequence for an assignment, by each node: what another says of it replaces nothing (R2). */
export interface EvidenceTable {
  assignment: string;
  node: Name;
  boot: string;
  seq: number;
  stored_at: Date;
  body: Json<EvidenceBody>;
}

export interface ReadOnlyCause {
  readonly node: Name;
  readonly reported: Generation;
  readonly held: Generation | null;
}

/** One row, `id` 1. */
export interface NetworkStateTable {
  id: number;
  epoch: number;
  read_only_since: Date | null;
  read_only_cause: NullableJson<ReadOnlyCause>;
  /** When a replica last saw who is connected. */
  links_seen_at: Date | null;
}

export interface IdempotencyKeyTable {
  key: string;
  request: Digest;
  /** Null only inside the transaction that makes it. */
  answer: NullableJson<unknown>;
  created_at: Stamped;
}

/** Append only: the database refuses to change or remove a row. */
export interface AuditTable {
  id: GeneratedAlways<number>;
  at: Stamped;
  actor: string;
  action: string;
  subject: string;
  details: Json<unknown>;
}

/** Beside Kysely's own table: what an older replica reads to know whether it can still run (V2). */
export interface MigrationOldestTable {
  name: string;
  oldest: string;
}

export interface Schema {
  sites: SiteTable;
  nodes: NodeTable;
  node_keys: NodeKeyTable;
  node_links: NodeLinkTable;
  node_renewals: NodeRenewalTable;
  revoked_keys: RevokedKeyTable;
  enrolment_tokens: EnrolmentTokenTable;
  access_tokens: AccessTokenTable;
  services: ServiceTable;
  artifacts: ArtifactTable;
  model_versions: ModelVersionTable;
  model_variants: ModelVariantTable;
  suites: SuiteTable;
  policies: PolicyTable;
  policy_revisions: PolicyRevisionTable;
  releases: ReleaseTable;
  rollouts: RolloutTable;
  rollout_nodes: RolloutNodeTable;
  rollout_marks: RolloutMarkTable;
  assignments: AssignmentTable;
  node_releases: NodeReleaseTable;
  desired: DesiredTable;
  outbox: OutboxTable;
  reports: ReportTable;
  node_states: NodeStateTable;
  evidence: EvidenceTable;
  network_state: NetworkStateTable;
  idempotency_keys: IdempotencyKeyTable;
  audit: AuditTable;
  migration_oldest: MigrationOldestTable;
}
