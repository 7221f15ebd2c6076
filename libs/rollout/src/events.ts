import type {
  Assignment,
  Digest,
  EvidenceBody,
  Name,
  PauseCode,
  PermitRefusal,
  ReasonCode,
  RolloutId,
  ServiceState,
} from '@openward/contracts';
import type { RolloutState } from './state.ts';

/**
 * What is known of a node now: its newest verified state and the newest evidence for its present assignment. Level-triggered:
 * a tick is given the newest of each and never a queue of older ones.
 */
export interface NodeInput {
  readonly node: Name;
  readonly boot: string;
  readonly seq: number;
  /** When the report was stored. */
  readonly at: number;
  /** The rollout's service in that report; null where it does not name the service. */
  readonly service: ServiceState | null;
  readonly evidence: EvidenceBody | null;
}

interface ByPerson {
  readonly now: number;
  readonly by: string;
}

/** Everything that can happen to a rollout. `now` is the database's clock. */
export type RolloutEvent =
  | {
      readonly kind: 'tick';
      readonly now: number;
      readonly inputs: readonly NodeInput[];
      /** While read-only (D6): what nodes said counts, and nothing is begun for it. */
      readonly beginsNothing?: true;
    }
  | ({ readonly kind: 'pause'; readonly detail: string | null } & ByPerson)
  /** Lifts the named pauses of persons; those of gates go with a waiver, an abort or a rollback. */
  | ({ readonly kind: 'resume'; readonly codes: readonly Extract<PauseCode, 'byAdmin' | 'harmNotice'>[] } & ByPerson)
  | ({ readonly kind: 'abort' } & ByPerson)
  | ({ readonly kind: 'rollBack'; readonly reason: string } & ByPerson)
  | ({ readonly kind: 'waive'; readonly wave: number; readonly reason: string } & ByPerson)
  | ({ readonly kind: 'retry'; readonly node: Name } & ByPerson)
  | {
      readonly kind: 'permitAsked';
      readonly now: number;
      readonly node: Name;
      readonly assignment: string;
      readonly planHash: Digest;
      readonly release: Digest;
      readonly nonce: string;
      /** The asker's own newest report, so that evidence stored a moment ago counts. */
      readonly input: NodeInput | null;
    }
  /** H2: a site's notice about this release. */
  | { readonly kind: 'harm'; readonly now: number; readonly site: Name; readonly detail: string | null }
  | ({ readonly kind: 'recall'; readonly reason: string } & ByPerson)
  /** R5: a newer rollout takes these nodes over; a live one is aborted by it. */
  | ({ readonly kind: 'taken'; readonly rollout: RolloutId; readonly nodes: readonly Name[] } & ByPerson);

export type AuditAction =
  | 'rolloutStarted'
  | 'waveStarted'
  | 'wavePassed'
  | 'waveFailed'
  | 'waveInconclusive'
  | 'waveWaived'
  | 'nodeFailed'
  | 'permitGranted'
  | 'paused'
  | 'resumed'
  | 'aborted'
  | 'rollBackStarted'
  | 'rollBackOwed'
  | 'rolledBack'
  | 'completed'
  | 'lateAttempt'
  | 'retried'
  | 'harmNotice'
  | 'recalled'
  | 'takenOver';

/** One decision, for the record. `by` is a person's name, or `engine`. */
export interface AuditEntry {
  readonly at: number;
  readonly by: string;
  readonly action: AuditAction;
  readonly rollout: RolloutId;
  readonly planHash: Digest;
  readonly wave: number | null;
  readonly node: Name | null;
  readonly reason: ReasonCode | PauseCode | null;
  readonly detail: string | null;
}

/** What the shell does for a decision, in the transaction that stores the next state. */
export type Effect =
  /** Becomes the node's newest assignment of the service, and its generation rises by one. */
  | { readonly kind: 'setAssignment'; readonly node: Name; readonly site: Name; readonly assignment: Assignment }
  | { readonly kind: 'audit'; readonly entry: AuditEntry }
  /** The answer to a `permitAsked`; sent once the transaction has committed. */
  | {
      readonly kind: 'grantPermit';
      readonly node: Name;
      readonly nonce: string;
      readonly assignment: string;
      readonly planHash: Digest;
      readonly release: Digest;
      readonly lifetimeMs: number;
    };

export type RefusalCode =
  | PermitRefusal
  | 'newerEngine'
  | 'alreadyPaused'
  | 'notPaused'
  | 'notRunning'
  | 'waveNotInconclusive'
  | 'unknownNode'
  | 'notEnded'
  | 'wavePassed'
  | 'nothingToTakeBack';

export type Decision =
  | { readonly kind: 'decided'; readonly next: RolloutState; readonly effects: readonly Effect[] }
  | { readonly kind: 'refused'; readonly refused: RefusalCode; readonly why: string };

/** How the engine works, as against what a plan promises: not hashed, the same for all rollouts of a control plane. */
export interface EngineSettings {
  /** How long a rollback waits for one wave's nodes before it calls the silent ones owed and goes on to the wave before. */
  readonly rollBackPatienceMs: number;
  /** R4. */
  readonly permitLifetimeMs: number;
}

export const DEFAULT_ENGINE_SETTINGS: EngineSettings = { rollBackPatienceMs: 30_000, permitLifetimeMs: 60_000 };
