import type { PromptPolicy } from '@openward/contracts';
import { examineShape, type PolicyFinding, type SiteTerms } from '@openward/policy';
import { createRestingThread, type RestingThread } from './resting-thread.ts';

// The tests of a large policy take half a second, and those of a hostile one all that they are given. The main thread goes on
// meanwhile: with rollouts on the network's side, with clinics' requests at a site.

/** The tests end by themselves much earlier; what is over this is no policy. */
const DEADLINE_MS = 30_000;
const MEMORY_MB = 256;
/** Policies come together: those that a change of a site's terms touches, or a release's when it is staged and when it is offered. */
const REST_MS = 2_000;

export interface ToJudge {
  readonly policy: PromptPolicy;
  readonly terms: SiteTerms;
}

/** What `checkPolicy` finds in a document under these terms; nothing found: it is this policy. One after the other. */
export type JudgePolicy = (document: unknown, terms: SiteTerms) => Promise<Judgement>;
export type Judgement =
  | { readonly kind: 'ok'; readonly policy: PromptPolicy }
  | { readonly kind: 'refused'; readonly findings: readonly PolicyFinding[] };

export function createPolicyJudge(deadlineMs = DEADLINE_MS): JudgePolicy {
  const threads = createRestingThread(MEMORY_MB, REST_MS);
  let turn: Promise<unknown> = Promise.resolve();
  return async (document, terms) => {
    // What is no policy costs little to refuse, and may be nested deeper than it could be handed over.
    const { policy, findings } = examineShape(document);
    if (policy === null || findings.length > 0) return { kind: 'refused', findings };
    const judging = turn.then(() => judgeApart(threads, { policy, terms }, deadlineMs));
    // Whoever asked is told of a failure; the next one has its turn all the same.
    turn = judging.catch(() => undefined);
    const found = await judging;
    return found.length === 0 ? { kind: 'ok', policy } : { kind: 'refused', findings: found };
  };
}

/** A thread that was given up on, or failed, is ended; the next policy has a new one. */
async function judgeApart(
  threads: RestingThread,
  toJudge: ToJudge,
  deadlineMs: number,
): Promise<readonly PolicyFinding[]> {
  const thread = threads.take();
  const { promise, resolve, reject } = Promise.withResolvers<readonly PolicyFinding[]>();
  const patience = setTimeout(() => resolve(tooMuch(`longer than ${deadlineMs / 1000} s`)), deadlineMs);
  let hasAnswered = false;
  const onMessage = (found: readonly PolicyFinding[]): void => {
    hasAnswered = true;
    resolve(found);
  };
  const onError = (error: NodeJS.ErrnoException): void =>
    error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? resolve(tooMuch(`more than ${MEMORY_MB} MB`)) : reject(error);
  const onExit = (): void => reject(new Error('the check of a policy ended without an answer'));
  thread.on('message', onMessage).on('error', onError).on('exit', onExit);
  try {
    thread.postMessage(toJudge);
    return await promise;
  } finally {
    clearTimeout(patience);
    thread.off('message', onMessage).off('exit', onExit);
    if (hasAnswered) {
      thread.off('error', onError);
      threads.giveBack(thread);
    } else await thread.terminate();
  }
}

const tooMuch = (what: string): readonly PolicyFinding[] => [
  { code: 'tooSlow', where: '', message: `Its check takes ${what}. Make its patterns and tests fewer or smaller.` },
];
