import type {
  Assignment,
  AssignmentId,
  DesiredState,
  Digest,
  Name,
  PermitReply,
  ReasonCode,
  WaitCode,
} from '@openward/contracts';
import type { Entry } from './journal.ts';
import type { Chain, EvaluationResult, Held, Question, SiteRules } from './model.ts';
import type { JudgeLimits } from './ports.ts';

/**
 * The moment at which an event is stepped, not the one at which it was queued. `minuteOfWeek` counts from Monday 00:00 in
 * the site's time zone. `nonce` is fresh for every step, and used by at most one question of it.
 */
export interface Now {
  readonly monotonic: number;
  readonly wall: number;
  readonly minuteOfWeek: number;
  readonly nonce: string;
  /** Digest of what the site has set of its own: an evaluation under other terms is no evidence of what would run. */
  readonly terms: string;
}

/** What a plain yes can answer. `waive`: the result may leave, which does not waive it (R8). */
export type Accepted = Exclude<Question, 'acceptSuite'>;

/**
 * What a person at the site, or hospital IT's script, may say. All of them work with no network (N5). A yes names the assignment
 * and the question that were read: where another release, or another question, has come meanwhile, it is refused (N2).
 */
export type Command =
  | {
      readonly kind: 'accept';
      readonly service: Name;
      readonly assignment: AssignmentId;
      readonly question: Accepted;
      /** With `prepare` alone. Where nothing is asked yet it may come by itself, since it only holds more back. */
      readonly holdResult?: boolean;
    }
  | {
      readonly kind: 'acceptInconclusive';
      readonly service: Name;
      readonly assignment: AssignmentId;
      readonly reason: string;
    }
  /** `assignment`: of what was read; without it, of whatever stands there. */
  | { readonly kind: 'defer'; readonly service: Name; readonly assignment?: AssignmentId; readonly until: number }
  | { readonly kind: 'reject'; readonly service: Name; readonly assignment?: AssignmentId; readonly reason: string }
  | { readonly kind: 'halt'; readonly service: Name }
  | { readonly kind: 'resume'; readonly service: Name }
  /** `to`: the number of the release that is meant, without which nobody goes to an anchor that no plan named. */
  | { readonly kind: 'rollback'; readonly service: Name; readonly to?: number }
  | { readonly kind: 'pin'; readonly service: Name }
  | { readonly kind: 'unpin'; readonly service: Name }
  | { readonly kind: 'acceptSuite'; readonly suite: Digest; readonly tooFewItems: boolean }
  | { readonly kind: 'setRules'; readonly rules: SiteRules };

export type CommandRefusal =
  | 'unknownService'
  | 'nothingWaits'
  /** The answer is to another release than the one that waits. */
  | 'otherAssignment'
  /** The answer is to another question than the one that is asked of it now. */
  | 'otherQuestion'
  | 'notInconclusive'
  | 'waiverReasonMissing'
  | 'reasonMissing'
  | 'alreadyActive'
  | 'nothingToGoBackTo'
  /** The way leads to another release than the one that was named. */
  | 'otherWayBack'
  /** Only the anchor is left, which a person has to name. */
  | 'anchorNotNamed'
  | 'nothingToPin'
  | 'notReady';

export type CommandAnswer = { readonly done: true } | { readonly done: false; readonly why: CommandRefusal };

interface Of<K extends string> {
  readonly kind: K;
  readonly service: Name;
}
interface Task<K extends string> extends Of<K> {
  readonly task: number;
}
/** `code` ends the attempt with that reason; null is a fault that may pass, and is tried again. */
interface Failure<K extends string> extends Task<K> {
  readonly code: ReasonCode | null;
  readonly reference: string;
}

export type Event =
  | { readonly kind: 'booted'; readonly entries: readonly Entry[] }
  | { readonly kind: 'desired'; readonly doc: DesiredState }
  | { readonly kind: 'command'; readonly id: number; readonly command: Command }
  | Task<'fetched'>
  | (Task<'fetchWaiting'> & { readonly code: WaitCode | null })
  | Failure<'fetchFailed'>
  | (Task<'verified'> & { readonly held: Held })
  | Failure<'verifyFailed'>
  | (Task<'loaded'> & { readonly chain: Chain })
  | Failure<'loadFailed'>
  | (Task<'quarterEvaluated'> & { readonly quarters: number })
  | (Task<'evaluated'> & { readonly result: EvaluationResult })
  | Failure<'evaluateFailed'>
  | (Task<'permitAnswered'> & { readonly reply: PermitReply })
  | Task<'permitFailed'>
  | (Of<'switched'> & { readonly held: Held })
  | (Of<'switchFailed'> & { readonly held: Held; readonly reference: string })
  | (Task<'probed'> & { readonly result: 'ok' | 'failed' | 'timedOut'; readonly reference: string })
  | (Of<'judged'> & {
      readonly held: Held;
      readonly final: boolean;
      readonly verdict: 'ok' | 'over' | 'tooFewRequests';
    })
  | { readonly kind: 'runtimeExited' }
  | { readonly kind: 'tick' };

export type StopWhy = 'halted' | 'recalled' | 'goingBack' | 'noRelease' | 'loading';

/** Data, run in order by the driver. Those marked (beside) come back as events with their task's number. */
export type Effect =
  /** Durable before the next effect runs. */
  | { readonly kind: 'journal'; readonly entry: Entry }
  /** (beside) Brings every file of the assignment to this disk, whole. */
  | { readonly kind: 'fetch'; readonly service: Name; readonly task: number; readonly assignment: Assignment }
  /** (beside) Checks file, document, suite and the class of change from `active`, and says what is held. */
  | {
      readonly kind: 'verify';
      readonly service: Name;
      readonly task: number;
      readonly assignment: Assignment;
      readonly active: Held | null;
    }
  /** (beside) */
  | { readonly kind: 'load'; readonly service: Name; readonly task: number; readonly held: Held }
  /** (beside, after its last request has ended, and only where no service has a use for it) */
  | { readonly kind: 'unload'; readonly service: Name; readonly key: string }
  /** (beside) */
  | {
      readonly kind: 'evaluate';
      readonly service: Name;
      readonly task: number;
      readonly assignment: Assignment;
      readonly candidate: Held;
      readonly live: Held | null;
      readonly anchor: Held | null;
    }
  /** (beside) */
  | {
      readonly kind: 'askPermit';
      readonly service: Name;
      readonly task: number;
      readonly nonce: string;
      readonly assignment: AssignmentId;
      readonly planHash: Digest;
      readonly release: Digest;
    }
  /** (beside) */
  | {
      readonly kind: 'probe';
      readonly service: Name;
      readonly task: number;
      readonly held: Held;
      readonly timeoutMs: number;
    }
  /** Its answer, if any comes, is no longer wanted. */
  | { readonly kind: 'cancel'; readonly task: number }
  | { readonly kind: 'switchTo'; readonly service: Name; readonly held: Held }
  /** `held` is what it would serve: its fallback text is what callers are told. */
  | { readonly kind: 'stop'; readonly service: Name; readonly why: StopWhy; readonly held: Held | null }
  | {
      readonly kind: 'judge';
      readonly service: Name;
      readonly held: Held;
      readonly limits: JudgeLimits;
    }
  | {
      readonly kind: 'discloseEvidence';
      readonly assignment: Assignment;
      readonly candidate: Held;
      readonly result: EvaluationResult;
    }
  /** What the network may see has changed (P6). */
  | { readonly kind: 'report' }
  /** (beside, after what is unloaded; what is kept by then stays too) */
  | { readonly kind: 'reclaim'; readonly keep: Keep }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: CommandAnswer };

/** Everything that must stay on this disk: digests of manifests and of whole files, and keys in the runtime's own store. */
export interface Keep {
  readonly manifests: readonly Digest[];
  readonly files: readonly Digest[];
  readonly keys: readonly string[];
}
