import type { Accepted, Command, CommandRefusal } from './events.ts';
import type { Attempt, Question, Work } from './model.ts';

// N2: what a person is asked about an assignment, and which answers are to that.

/** What can be answered now, put off or out of hours too; null while it waits for something else. */
export function questionOf(
  { assignment, progress, consent }: Attempt,
  { waits }: Pick<Work, 'waits'>,
): Question | null {
  if (progress.at === 'offered' || progress.at === 'staged') {
    if (waits === 'suiteNotAccepted') return 'acceptSuite';
    return waits === 'consentToPrepare' || waits === 'deferred' || waits === 'window' ? 'prepare' : null;
  }
  if (progress.at !== 'evaluated') return null;
  const { verdict } = progress.result;
  const isOpen =
    waits === 'consentToActivate' ||
    waits === 'resultHeld' ||
    waits === 'deferred' ||
    // The hours of a standing rule, or those of the plan, which no answer of the site can change.
    (waits === 'window' && !consent.activate && !(progress.disclosed && assignment.windows.length > 0));
  if (waits === 'gateInconclusive' || (isOpen && verdict === 'inconclusive' && consent.waiver === null)) return 'waive';
  if (!isOpen) return null;
  return verdict === 'fail' ? 'release' : 'activate';
}

/** Of an attempt that nothing has been switched for: all others ask nothing. */
export const isOpen = ({ progress: { at } }: Attempt): boolean =>
  at === 'offered' || at === 'staged' || at === 'evaluated';

type Acceptance = Extract<Command, { readonly kind: 'accept' }>;

/** Why a plain yes is no answer to what stands here; null where it is one. Nobody accepts what nobody could see. */
export function refusalOf(attempt: Attempt, work: Pick<Work, 'waits'>, command: Acceptance): CommandRefusal | null {
  const { question, assignment, holdResult = false } = command;
  if (attempt.assignment.id !== assignment) return 'otherAssignment';
  const hasResult = attempt.progress.at === 'evaluated';
  if (holdResult && (hasResult || question !== 'prepare')) return 'otherQuestion';
  const asked = questionOf(attempt, work);
  // It lets nothing go on that would not, and holds back what a standing rule would let leave.
  if (holdResult && asked === null) return null;
  if (asked === null) return hasResult || question === 'prepare' ? 'nothingWaits' : 'otherQuestion';
  if (asked !== question) return 'otherQuestion';
  return isAnswered(attempt, asked) ? 'nothingWaits' : null;
}

/** An inconclusive result that may leave already waits for a reason, and not for another yes (R8). */
const isAnswered = ({ progress, consent }: Attempt, asked: Accepted | 'acceptSuite'): boolean =>
  asked === 'waive' && progress.at === 'evaluated' && (consent.activate || progress.disclosed);

/** Whether an answer that names an assignment names another than this. */
export const isForAnother = (attempt: Attempt, { assignment }: { readonly assignment?: string }): boolean =>
  assignment !== undefined && assignment !== attempt.assignment.id;
