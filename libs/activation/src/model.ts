import type {
  ArtifactRef,
  Assignment,
  AssignmentId,
  BundledEvidence,
  ChangeClass,
  DesiredState,
  Digest,
  EvaluationFailure,
  Generation,
  Name,
  NodeOutcome,
  OwnEvidence,
  PermitRefusal,
  ReasonCode,
  SoakState,
  Verdict,
  VerdictReason,
  Version,
  WaitCode,
  WindowRule,
} from '@openward/contracts';

// What a node knows. `Durable` changes by journal entries alone (`journal.ts`), so that a restart finds again exactly what
// was decided; `Work` is what runs at the moment, and is empty after a restart.

/** What the runtime says that it opened; the last link of N8's chain. */
export interface Chain {
  readonly base: string;
  readonly adapter?: string;
}

/**
 * A release on this node's disk, verified, in one variant. `key` is the name under which the runtime holds its files: releases
 * that differ in nothing that is loaded have the same one, in every service. So a key says what is in memory, and `isSame` which
 * release it is.
 */
export interface Held {
  readonly key: string;
  readonly release: Digest;
  readonly number: number;
  readonly variant: Version;
  readonly document: ArtifactRef;
  readonly artifact: ArtifactRef;
  readonly base?: ArtifactRef;
  /** Null until the runtime has loaded it for the first time; compared at each load after that (N8). */
  readonly chain: Chain | null;
}

/** Whether both are one release in one variant; two of one key can be two releases. */
export const isSame = (one: Held | null | undefined, other: Held | null | undefined): boolean =>
  one?.release === other?.release && one?.key === other?.key;

/** The whole gate's verdict, and the two parts of it that may leave (E1). Everything finer stays with the evaluation. */
export interface EvaluationResult {
  readonly verdict: Verdict;
  readonly reason: VerdictReason;
  readonly bundled: BundledEvidence;
  /** Null where the suite reads no site data. */
  readonly own: OwnEvidence | null;
  readonly runtimeVersion: Version;
  /** Of a gate in error: what stopped it on a bundled item, for the network too. */
  readonly failure?: EvaluationFailure;
  /** Digest of the site's own terms that it was measured under; it stays here. A result of an older agent does not say it. */
  readonly terms?: string;
}

/** A standing rule of the site: each field that is given must match. Without hours it holds at all times. */
export interface StandingRule {
  readonly services?: readonly Name[];
  readonly changes?: readonly ChangeClass[];
  /** Of everything that the assignment would fetch. */
  readonly maxBytes?: number;
  readonly hours?: readonly WindowRule[];
}

/** N2: what may be prepared, and what may be activated, with no person asked. Empty is the default: both wait. */
export interface SiteRules {
  readonly prepare: readonly StandingRule[];
  readonly activate: readonly StandingRule[];
}

/** What is asked of the people at the site about an assignment. `release`: whether a fail that was held back may leave. */
export type Question = 'prepare' | 'acceptSuite' | 'activate' | 'waive' | 'release';

/** What people at the site have answered for one assignment. Their words stay here (P6). */
export interface Consent {
  readonly prepare: { readonly holdResult: boolean } | null;
  readonly activate: boolean;
  /** Wall time in milliseconds. */
  readonly deferUntil: number | null;
  /** The reason given for going on with an inconclusive gate (R8). */
  readonly waiver: string | null;
}

/** From the switch until the commit (N4). Times in milliseconds of the node's monotonic clock. */
export interface Watch {
  readonly probed: boolean;
  readonly soakedMs: number;
  /** Restarts of agent or runtime since the probe. */
  readonly restarts: number;
  readonly soak: SoakState;
}

export interface End {
  readonly step: 'failed' | 'rejected' | 'superseded' | 'rolledBack';
  /** Absent where the release stayed active: nothing was undone, and something was changed. */
  readonly outcome?: NodeOutcome;
  readonly reason: ReasonCode;
  readonly failure?: EvaluationFailure;
  readonly reference?: string;
}

/** How far an assignment has come, durably; what is being done about it just now stands in `Work`. */
export type Progress =
  | { readonly at: 'offered' }
  | { readonly at: 'staged'; readonly candidate: Held; readonly against: Digest | null }
  | {
      readonly at: 'evaluated';
      readonly candidate: Held;
      /** The release that served when the class of change was checked; null: none. A journal of before does not say. */
      readonly against: Digest | null;
      readonly result: EvaluationResult;
      readonly disclosed: boolean;
    }
  | {
      readonly at: 'activated';
      readonly candidate: Held;
      readonly result: EvaluationResult;
      readonly before: Held | null;
      readonly target: Held | null;
      readonly watch: Watch;
    }
  | {
      readonly at: 'committed';
      readonly candidate: Held;
      readonly result: EvaluationResult;
      readonly target: Held | null;
      readonly watch: Watch;
      /** The rollout is over, and the release is last good (R6). */
      readonly completed: boolean;
    }
  | {
      readonly at: 'goingBack';
      readonly candidate: Held;
      readonly result: EvaluationResult;
      readonly to: Held | null;
      readonly watch: Watch;
      readonly end: End;
    }
  | {
      readonly at: 'ended';
      readonly end: End;
      /** Only a result that was let go (N2). */
      readonly result: EvaluationResult | null;
      readonly restarts: number;
    };

export interface Attempt<P extends Progress = Progress> {
  readonly assignment: Assignment;
  readonly consent: Consent;
  readonly progress: P;
}

export interface ServiceRecord {
  /** What the gateway has to serve, unless halted. Null: nothing. */
  readonly active: Held | null;
  /** What the node last committed in a rollout that has completed (R6). */
  readonly lastGood: Held | null;
  /** The first release that it committed (E4). */
  readonly anchor: Held | null;
  readonly halted: boolean;
  readonly pinned: boolean;
  readonly attempt: Attempt | null;
  /** Attempts that were left or have ended; none of them is begun again (N3). Newest last, the newest 256. */
  readonly past: readonly AssignmentId[];
}

export interface Durable {
  readonly generation: Generation | null;
  readonly desired: DesiredState | null;
  readonly services: Readonly<Record<Name, ServiceRecord>>;
  readonly rules: SiteRules;
  /** Suites that this site has accepted (E6); `tooFewItems` where its data can never pass them (R1). */
  readonly suites: Readonly<Record<Digest, { readonly tooFewItems: boolean }>>;
  /** Every release that was ever recalled here: it is never chosen again, whatever a later document leaves out. */
  readonly recalled: readonly Digest[];
}

/** What runs beside the queue for a service's attempt. A late answer of another task is nobody's. */
export type Job =
  | { readonly doing: 'nothing' }
  | { readonly doing: 'fetching'; readonly task: number; readonly tries: number; readonly waits: WaitCode | null }
  /** `against`: what served when it began, from which the class of change is checked. */
  | { readonly doing: 'verifying'; readonly task: number; readonly tries: number; readonly against: Digest | null }
  | { readonly doing: 'evaluating'; readonly task: number; readonly tries: number; readonly quarters: number }
  /** R4: a permit lives from when it was asked for. */
  | {
      readonly doing: 'asking';
      readonly task: number;
      readonly tries: number;
      readonly refused: Refused | null;
      readonly nonce: string;
      readonly monotonic: number;
      readonly wall: number;
    }
  | {
      readonly doing: 'resting';
      readonly tries: number;
      readonly refused: Refused | null;
      readonly until: number;
      readonly waits: WaitCode | null;
    };

/** The last answer to a question for a permit, and how often in a row it was this one. */
export interface Refused {
  readonly why: PermitRefusal;
  readonly times: number;
}

/** What has failed so often, and is left alone until then. */
export interface Rest {
  readonly tries: number;
  readonly until: number;
}

export interface Work {
  /** What the gateway serves; null for nothing; undefined until it has been told since the start. */
  readonly served: Held | null | undefined;
  readonly switching: Held | null;
  readonly loaded: readonly string[];
  readonly loading: { readonly key: string; readonly task: number } | null;
  /** Loads that failed, by key: how often, and when they are tried again. */
  readonly loadRests: Readonly<Record<string, Rest>>;
  /** Switches that failed, by release: the runtime still holds the model of each. */
  readonly switchRests: Readonly<Record<Digest, Rest>>;
  readonly probe:
    | { readonly state: 'none' }
    | { readonly state: 'running'; readonly task: number; readonly tries: number }
    | { readonly state: 'resting'; readonly tries: number; readonly until: number }
    | { readonly state: 'passed' };
  /** After a restart the runtime may still be coming up: so many probes may fail before one counts (N4). */
  readonly graceProbes: number;
  /** When the runtime exited, on the monotonic clock, in the last ten minutes. */
  readonly exits: readonly number[];
  /** Since when the soak runs; null while it is paused or not begun. */
  readonly soakSince: number | null;
  readonly judgeAt: number | null;
  readonly job: Job;
  readonly waits: WaitCode | null;
  /** Since when the attempt waits for that, in milliseconds since 1970; for no longer than the agent runs. Null where it waits for nothing. */
  readonly waitsSince: number | null;
}

export interface NodeState {
  readonly durable: Durable;
  /** Entries from the newest checkpoint on, itself counted. */
  readonly journalled: number;
  readonly work: Readonly<Record<Name, Work>>;
  readonly nextTask: number;
  /** False until the journal has been read; until then nothing else is acted on. */
  readonly isBooted: boolean;
}
