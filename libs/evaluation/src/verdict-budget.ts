import type { OwnEvidence } from '@openward/contracts';
import type { WithheldReason } from './evaluate-suite.ts';

/** A row of the node's ledger: a verdict on own records that left, or is about to. `at` is wall time in milliseconds. */
export interface PastVerdict {
  /** Which data set, over all its versions. */
  readonly dataSet: string;
  /** The digest of the version that was judged. */
  readonly data: string;
  readonly suite: string;
  readonly release: string;
  /**
   * Digest of what else decides an answer: the variant, the runtime's version and the site's own terms. Null in a row that is older
   * than this field, and is like no other.
   */
  readonly under: string | null;
  readonly evidence: OwnEvidence;
  readonly at: number;
}

export interface VerdictRequest extends Pick<PastVerdict, 'dataSet' | 'data' | 'suite' | 'release'> {
  readonly under: string;
  readonly now: number;
  /** How many persons differ between this version and an earlier one, by its digest (`countChangedPersons`). */
  readonly personsChangedSince: (data: string) => number;
}

/** `again`: the same bytes as before, which are the same row. `measure`: records may be read. `withheld`: they may not. */
export type VerdictLeave =
  | { readonly kind: 'again'; readonly evidence: OwnEvidence }
  | { readonly kind: 'measure'; readonly left: number }
  | { readonly kind: 'withheld'; readonly reason: WithheldReason };

export const VERDICTS_IN_30_DAYS = 12;
export const LEAST_CHANGED_PERSONS = 11;
const THIRTY_DAYS = 30 * 24 * 60 * 60 * 1000;

/** Reasons given without a record having been read: they tell nothing of one, so they neither bind nor cost. */
const UNREAD: ReadonlySet<string> = new Set<WithheldReason>([
  'dataMissing',
  'dataExpired',
  'dataChangedTooLittle',
  'suiteNotAccepted',
  'verdictBudgetSpent',
]);

/**
 * E6 and E7, asked before a record is read. One verdict for each data set version, suite and release, under what it was measured
 * (`under`): it is sent again unchanged, whenever. Under another runtime or other terms it would be evidence of something else, so
 * that is measured anew, and costs as another release does. An error is no verdict, and may be measured again; it costs like one, since a model could be made
 * to break on one record. A version that differs by 1 to 10 persons from one judged in these 30 days would tell about
 * those persons, so it waits. A row dated after now counts: a clock set back gives no new budget.
 */
export function decideVerdictLeave(past: readonly PastVerdict[], request: VerdictRequest): VerdictLeave {
  const read = past.filter((row) => row.dataSet === request.dataSet && !UNREAD.has(row.evidence.reason));
  const same = read.find(
    (row) =>
      row.data === request.data &&
      row.suite === request.suite &&
      row.release === request.release &&
      row.under === request.under &&
      row.evidence.verdict !== 'error',
  );
  if (same) return { kind: 'again', evidence: same.evidence };
  const recent = read.filter((row) => row.at > request.now - THIRTY_DAYS);
  const others = new Set(recent.map((row) => row.data).filter((data) => data !== request.data));
  if ([...others].some((data) => request.personsChangedSince(data) < LEAST_CHANGED_PERSONS)) {
    return { kind: 'withheld', reason: 'dataChangedTooLittle' };
  }
  const left = VERDICTS_IN_30_DAYS - recent.length;
  return left > 0 ? { kind: 'measure', left } : { kind: 'withheld', reason: 'verdictBudgetSpent' };
}
