import type {
  Assignment,
  Clock,
  EvidenceBody,
  Ids,
  Log,
  Name,
  PermitReply,
  ReasonCode,
  StateBody,
  Timers,
  WaitCode,
} from '@openward/contracts';
import type { Keep, StopWhy } from './events.ts';
import type { Entry } from './journal.ts';
import type { Chain, EvaluationResult, Held } from './model.ts';

// What the reconciler may touch. An adapter says that an attempt cannot succeed by rejecting with an error whose `code` is a
// `ReasonCode`: those of `Refusal` and `RuntimeRefusal` that are in that list fit as they are. Every other rejection is a fault
// that may pass, and is tried again with back-off; so is `runtimeExited`, since the runtime is started again.

/** Ends an attempt with a reason from the list. Its message is for the node's own log only. */
export class Unrecoverable extends Error {
  override readonly name = 'Unrecoverable';
  readonly code: ReasonCode;
  constructor(code: ReasonCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Append-only. When `sync` resolves, every entry appended before it survives a crash; before that, it may or may not, and the
 * survivors are a prefix. Entries before the newest synced `checkpoint` may be dropped. A rejection stops the agent: it
 * starts again from what is on the disk.
 */
export interface Journal {
  append(entry: Entry): Promise<void>;
  sync(): Promise<void>;
  read(): Promise<readonly Entry[]>;
}

export interface Fetch {
  /**
   * Resolves when the release document, the variant's file, its base and the suite are whole on this disk, verified chunk by
   * chunk, and synced. Goes on from where an earlier call stopped. While it waits it says for what, and null when it goes on.
   */
  fetch(assignment: Assignment, waiting: (code: WaitCode | null) => void, signal: AbortSignal): Promise<void>;
  /**
   * Removes every file that `keep` does not name, and what the runtime stores for other keys. Never one that it names.
   * Called once at a time, while nothing is loaded or unloaded, and when the requests of what goes have ended.
   */
  reclaim(keep: Keep): Promise<void>;
}

export interface Verify {
  /**
   * Checks what was fetched: the file's digest and every offset of its GGUF (N9), that the document is the release that the
   * assignment names and binds this variant, that the suite parses, that the variant still fits this node, and that the class of
   * change is the one from `active`, which is what serves. `chain` is null.
   */
  verify(assignment: Assignment, active: Held | null, signal: AbortSignal): Promise<Held>;
}

/** The part of the runtime that a reconciler needs. The adapter knows paths, threads and context lengths. */
export interface ModelRuntime {
  /** Loaded and warm under `held.key`, with the digests that the runtime reports (N8). Loaded already, it only says so. */
  load(held: Held, signal: AbortSignal): Promise<Chain>;
  /** Not loaded is no error. */
  unload(key: string): Promise<void>;
  /** Each end of a runtime process that nobody asked to end. Returns the way to stop listening. */
  onExit(listener: () => void): () => void;
}

export interface Evaluate {
  /**
   * Runs the suite on the staged candidate, beside the references (E4), and judges. A result that is kept for the same
   * release, data and suite is returned again. Rejects with `suiteInvalid` or another `ReasonCode`, or with a passing fault.
   */
  evaluate(
    request: {
      readonly assignment: Assignment;
      readonly candidate: Held;
      readonly live: Held | null;
      readonly anchor: Held | null;
    },
    progress: (quarters: number) => void,
    signal: AbortSignal,
  ): Promise<EvaluationResult>;
  /** Digest of the site's own terms, as they are now. */
  terms(): string;
}

/** The gateway's switch. */
/**
 * What a look at a soak goes by. Before the final look only failures of the runtime count, so that a policy cannot make the moment at
 * which a soak ends tell anything of what was asked.
 */
export interface JudgeLimits {
  readonly final: boolean;
  readonly errorShare: number;
  readonly minRequests: number;
  /** Requests that must have failed before any share of them counts. */
  readonly minFailed: number;
}

export interface Serving {
  /** When it resolves, new requests go to this release; those in flight end on the old one. Idempotent, and fast. */
  switchTo(service: Name, held: Held): Promise<void>;
  /**
   * When it resolves, no new request is answered by a model: callers get 503, a code and the fallback text of `held`, which
   * may never have served since the start. Idempotent.
   */
  stop(service: Name, why: StopWhy, held: Held | null): Promise<void>;
  /** Resolves when no request is in flight on this model, of whatever release, or at the gateway's own deadline. */
  drain(key: string): Promise<void>;
  /** The share of errors of this release since its probe, against the limits (R3). Counts stay in the gateway. */
  judge(service: Name, held: Held, limits: JudgeLimits): Promise<'ok' | 'over' | 'tooFewRequests'>;
}

export interface Prober {
  /**
   * One fixed prompt through the gateway's own path, in time; the digest is as told and the memory within the plan (N4).
   * Answers within `timeoutMs` and a little.
   */
  probe(service: Name, held: Held, timeoutMs: number, signal: AbortSignal): Promise<'ok' | 'failed' | 'timedOut'>;
}

export interface Permits {
  /** The verified answer of the network, whatever it says. Rejects when none comes. */
  ask(
    question: {
      readonly nonce: string;
      readonly assignment: string;
      readonly planHash: string;
      readonly release: string;
    },
    signal: AbortSignal,
  ): Promise<PermitReply>;
}

export type StatePart = Pick<StateBody, 'generation' | 'services' | 'suites'>;

/**
 * Both resolve when the row of the ledger and the report in the outbox are durable, whether or not anything may be sent just
 * now (P8). The same evidence again is the same row. A rejection stops the agent, as a journal's does: at its next start it
 * reports anew, and evidence that is not known to be in the outbox is given again.
 */
export interface Disclose {
  state(part: StatePart): Promise<void>;
  evidence(body: EvidenceBody): Promise<void>;
}

/** Minutes since Monday 00:00, 0 to 10 079, in the site's time zone. */
export interface LocalTime {
  minuteOfWeek(wall: number): number;
}

export interface Ports {
  readonly journal: Journal;
  readonly fetch: Fetch;
  readonly verify: Verify;
  readonly runtime: ModelRuntime;
  readonly evaluate: Evaluate;
  readonly serving: Serving;
  readonly prober: Prober;
  readonly permits: Permits;
  readonly disclose: Disclose;
  readonly clock: Clock;
  readonly localTime: LocalTime;
  readonly timers: Timers;
  readonly ids: Ids;
  readonly log: Log;
}
