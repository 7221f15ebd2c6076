import type {
  Assignment,
  Digest,
  EvidenceBody,
  Generation,
  Name,
  Report,
  RolloutId,
  StateBody,
} from '@openward/contracts';
import type { AuditEntry } from './events.ts';
import type { Ahead, NodeRef } from './ports.ts';
import type { RolloutState } from './state.ts';

// The rows that the in-memory stores share, as PostgreSQL's would be shared. States are kept as text, so that nothing that is
// no plain JSON, and no object that a caller still holds, can live in them.

export interface RolloutRow {
  readonly id: RolloutId;
  readonly service: Name;
  readonly release: Digest;
  readonly engine: number;
  readonly version: number;
  readonly open: boolean;
  readonly dueAt: number | null;
  /** Which reports make it due. */
  readonly nodes: readonly Name[];
  readonly text: string;
}

export interface NodeRow extends NodeRef {
  readonly generation: Generation | null;
  readonly ackedThrough: number;
  readonly revoked: boolean;
  /** Of the key in the bucket, as last recorded. */
  readonly revision: number;
}

export interface Newest<T> {
  readonly boot: string;
  readonly seq: number;
  readonly at: number;
  readonly body: T;
}

export interface OutboxRow extends NodeRef {
  readonly generation: number;
  readonly at: number;
  leasedUntil: number;
}

export interface Tables {
  readonly rollouts: Map<RolloutId, RolloutRow>;
  readonly nodes: Map<Name, NodeRow>;
  /** By node, then service. */
  readonly assignments: Map<Name, Map<Name, Assignment>>;
  readonly states: Map<Name, Newest<StateBody>>;
  /** By assignment. */
  readonly evidence: Map<string, Newest<EvidenceBody>>;
  readonly reports: Map<string, { readonly report: Report; readonly at: number }>;
  readonly seqs: Map<Name, Set<number>>;
  outbox: OutboxRow[];
  audit: AuditEntry[];
  recalled: Digest[];
  epoch: number;
  readOnly: Ahead | null;
  loneVoices: Ahead[];
}

export const emptyTables = (): Tables => ({
  rollouts: new Map(),
  nodes: new Map(),
  assignments: new Map(),
  states: new Map(),
  evidence: new Map(),
  reports: new Map(),
  seqs: new Map(),
  outbox: [],
  audit: [],
  recalled: [],
  epoch: 1,
  readOnly: null,
  loneVoices: [],
});

export const stateOf = (row: RolloutRow): RolloutState => JSON.parse(row.text) as RolloutState;
