import type { DesiredState, Digest, Generation, Name, Report, RolloutId } from '@openward/contracts';
import type { Effect, NodeInput } from './events.ts';
import type { RolloutState } from './state.ts';

// What the drivers of this library ask of storage, delivery and keys. The same contract tests run on the in-memory ones
// (`@openward/rollout/testing`) and on PostgreSQL and NATS.

/** A rollout as a turn finds it: its row is locked, and `inputs` were read after the lock was taken. */
export interface Loaded {
  readonly state: RolloutState;
  /** The store's clock, in milliseconds since 1970 (T1). */
  readonly now: number;
  readonly inputs: readonly NodeInput[];
  /** D6: the control plane holds an older state than a node has seen. */
  readonly readOnly: boolean;
}

/** What a turn wants written. */
export interface Change {
  /** Null: as it was, and only `dueAt` and `open` are written. Its `plan`, `offer` and start never change. */
  readonly state: RolloutState | null;
  /** `setAssignment` and `audit` become rows, in order; the store ignores `grantPermit`. */
  readonly effects: readonly Effect[];
  /** When time alone next matters to it; null when only reports and persons do. */
  readonly dueAt: number | null;
  /** It may still tell some node something. Closed ones are never due and never among `others`. */
  readonly open: boolean;
}

/** A pure function: the store may call it again if it has to start its transaction over. */
export type Turn<R> = (loaded: Loaded) => { readonly change: Change | null; readonly result: R };

/** What a start finds: the service is locked against other starts; `others` are its open rollouts, their rows locked. */
export interface StartLoaded {
  readonly now: number;
  readonly readOnly: boolean;
  readonly others: readonly RolloutState[];
}

export interface Started {
  readonly rollout: Change & { readonly state: RolloutState };
  /** Applied before `rollout`, so that its assignments are the newest. Each names its rollout by its state. */
  readonly others: readonly (Change & { readonly state: RolloutState })[];
}

/**
 * Each call is one transaction: state (its row's version checked and raised), assignments, generations, outbox rows and audit
 * rows are all written, or nothing is. However many assignments one call sets for a node, its generation rises by one and one
 * outbox row names it. A failed write rejects; the caller may call again.
 */
export interface RolloutStore {
  /**
   * Locks one open rollout that is due by the store's clock and whose engine version is at most `engine`, passing over rows
   * that another holds (SKIP LOCKED), with the inputs of all its nodes. It is due again when its
   * change says so or a report marks it; a turn without a change leaves it due. Null where none is due. While the
   * control plane is read-only only a rollout on its way back has its turn (D6).
   */
  turnDue<R>(engine: number, turn: Turn<R>): Promise<{ readonly result: R } | null>;

  /** The same for one rollout by its id, waiting for its lock; `inputs` only of the nodes named. Also for one that is
   * closed, or while read-only. Null: there is none. */
  turnOne<R>(id: RolloutId, inputsOf: readonly Name[] | 'all', turn: Turn<R>): Promise<{ readonly result: R } | null>;

  /** One start at a time for a service. `start: null` writes nothing. */
  start<R>(
    service: Name,
    turn: (loaded: StartLoaded) => { readonly start: Started | null; readonly result: R },
  ): Promise<R>;

  /** The open rollouts of a release, for a recall or a harm notice. */
  openOf(release: Digest): Promise<readonly RolloutId[]>;

  /** The state as last committed, without a lock. */
  read(id: RolloutId): Promise<{ readonly state: RolloutState; readonly version: number } | null>;
}

export interface NodeRef {
  readonly site: Name;
  readonly node: Name;
}

/** D3: an outbox row names a node, never the content. */
export interface OutboxStore {
  /** Nodes with a row that is not done, oldest first, leased by the store's clock so that another relay passes over them. */
  claim(limit: number, leaseMs: number): Promise<readonly NodeRef[]>;

  /**
   * The node's whole desired state as it stands now, and the key's revision that was last recorded (0: never put), both from
   * one read: a revision recorded before the state was read cannot let an older state overtake. Null: the node is gone.
   */
  newest(node: NodeRef): Promise<{ readonly state: DesiredState; readonly revision: number } | null>;

  /** Records the revision, if it is higher, and removes the node's rows up to that generation; newer rows stay. */
  done(node: NodeRef, put: { readonly generation: Generation; readonly revision: number }): Promise<void>;

  /** Removes every row of a node that is gone. */
  drop(node: NodeRef): Promise<void>;

  /** Gives up the lease; the node can be claimed again after `afterMs`. */
  putOff(node: NodeRef, afterMs: number): Promise<void>;
}

/** The bucket of desired states. */
export interface DesiredTransport {
  /**
   * Puts the bytes only if the key's revision is `expected` (0: it has none). When it resolves with `put`, the bucket has stored
   * them. A put that timed out may have been stored all the same: it rejects, and the next one conflicts.
   */
  put(
    node: NodeRef,
    bytes: Uint8Array,
    expected: number,
  ): Promise<{ readonly kind: 'put'; readonly revision: number } | { readonly kind: 'conflict' }>;

  /** The key's revision now; 0 where it has none, or was lost with the bucket (D5). */
  revision(node: NodeRef): Promise<number>;
}

/** Seals documents with the network's key (K1, V1). */
export interface Signer {
  sealDesired(state: DesiredState): Promise<Uint8Array>;
}

export type Stored =
  /** The node is not enrolled, or was revoked. Nothing was written. */
  | { readonly kind: 'unknownNode' }
  | {
      readonly kind: 'stored' | 'duplicate';
      /** Of the node, before and after this report. */
      readonly ackedBefore: number;
      readonly ackedThrough: number;
      /** The highest generation that the control plane holds for the node; null where it never had a desired state. */
      readonly held: Generation | null;
    };

/** A node that reports a generation above what is held for it (D6). */
export interface Ahead {
  readonly node: Name;
  readonly reported: Generation;
  readonly held: Generation | null;
}

export interface ReportStore {
  /**
   * One transaction, in which nothing is decided (R9): a row unique on node, boot and sequence, a duplicate changing nothing; a
   * state becomes the node's newest if its sequence is above that one's, evidence likewise its assignment's newest;
   * Evidence with a `contradiction` becomes nothing, and an audit row says why.
   * `ackedThrough` moves to the highest contiguous sequence (D4). If it is news (evidence or a state that became the newest, and a
   * state not only for its `uptimeHours`), each open rollout with this node is due `dueInMs` from now, or earlier.
   */
  append(report: Report, dueInMs: number, contradiction?: string | null): Promise<Stored>;

  /**
   * D6: the sites with a node, not revoked, whose newest state names a generation above what is held for it, and how many sites
   * have such a node at all. What was appended before is counted.
   */
  voices(): Promise<{ readonly ahead: readonly Name[]; readonly enrolledSites: number }>;

  /** D6: one site alone says so. An audit row names the node, once for each time that it was enrolled. */
  noteLoneVoice(why: Ahead): Promise<void>;

  /** D6: for all replicas, until an admin opens a new epoch. Says why in the audit rows; already read-only is no change. */
  enterReadOnly(why: Ahead): Promise<void>;
}
