import type { EvaluationFailure } from '@openward/contracts';
import type { Outcome } from './outcomes.ts';

/** A release in the variant that this site would run. Two subjects are one where both digests are. */
export interface Subject {
  readonly release: string;
  readonly variant: string;
}

/** What became of one item. `code` names the failure; it carries no text of the item. A refusal that a clinic would get is a text. */
export type Reply =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'failed'; readonly code: EvaluationFailure };

/**
 * Under what an outcome is kept (E4): everything that could change it. `data` is the suite's digest for bundled items,
 * the data set's for own records. `pass` tells a first measurement from a rerun, so that one is never taken for the other.
 */
export interface ResultKey {
  readonly release: string;
  readonly variant: string;
  readonly data: string;
  readonly suite: string;
  readonly runtimeVersion: string;
  /** Digest of the site's own terms, with which each release's policy is run. */
  readonly terms: string;
  readonly pass: string;
}

/** Where outcomes are kept: graded, never a reply's text. Outcomes of own records stay on the node and go with the data set. */
export interface Results {
  /** Every outcome kept under this key. */
  kept(key: ResultKey): Promise<readonly (readonly [itemId: string, outcome: Outcome])[]>;
  /** When it resolves, the outcome survives a crash. Keeping one again changes nothing. */
  keep(key: ResultKey, itemId: string, outcome: Outcome): Promise<void>;
}

/** All that the evaluation runner touches. It asks one item at a time, and all of one subject's before the next one's. */
export interface EvaluationPorts {
  /**
   * Answers one input with the release's own prompt and parameters, loading the subject first where it is not loaded. A
   * runtime that dies, will not load or runs out of time is a reply of kind `failed`. It rejects only when the signal aborts.
   */
  answer(subject: Subject, input: string, signal: AbortSignal): Promise<Reply>;
  /** Resolves when no request of the gateway is waiting or running, and not before others had their turn. Rejects only when the signal aborts. */
  yieldToClinic(signal: AbortSignal): Promise<void>;
  /** Told when no more is asked of a subject for now, so that one that serves nobody may be unloaded (N6). */
  done(subject: Subject): Promise<void>;
  /** P6: how far the evaluation is, in quarters of its bundled items; never more than once for a quarter, never backwards. */
  reportProgress(quarters: 1 | 2 | 3 | 4): Promise<void>;
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** Resolves after so many. Rejects only when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  readonly results: Results;
}
