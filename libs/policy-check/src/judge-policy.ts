import type { PromptPolicy } from '@openward/contracts';
import {
  type ClinicalChanges,
  examineShape,
  type PolicyFinding,
  type SiteTerms,
  unreadClinical,
} from '@openward/policy';
import { createRestingThread, type RestingThread } from './resting-thread.ts';

// The tests of a large policy take half a second, clinical sentences under it as long, and those of a hostile one all that they are
// given. The main thread goes on meanwhile: with rollouts on the network's side, with clinics' requests at a site.

/** The tests end by themselves much earlier; what is over this is no policy. */
const DEADLINE_MS = 30_000;
const MEMORY_MB = 256;
/** Policies come together: those that a change of a site's terms touches, or a release's when it is staged and when it is offered. */
const REST_MS = 2_000;
/** What a larger policy leaves behind on its thread, in characters of JSON, is not for the next one to bear. */
const LARGE = 65_536;

/** Of a policy that has the shape of one. */
export interface ToDo {
  readonly does: 'check' | 'clinical';
  readonly policy: PromptPolicy;
  readonly terms: SiteTerms;
}

/** What `checkPolicy` finds in a document under these terms; nothing found: it is this policy. One after the other. */
export type JudgePolicy = (document: unknown, terms: SiteTerms) => Promise<Judgement>;
export type Judgement =
  | { readonly kind: 'ok'; readonly policy: PromptPolicy }
  | { readonly kind: 'refused'; readonly findings: readonly PolicyFinding[] };

/** `clinicalChanges` of a policy that was found sound. Where that takes too much, no sentence was read. */
export type ReadClinical = (policy: PromptPolicy, terms: SiteTerms) => Promise<ClinicalChanges>;

/** Both on one thread: what is asked first is answered first. */
export interface PolicyThread {
  readonly judge: JudgePolicy;
  readonly clinical: ReadClinical;
}

export const createPolicyJudge = (deadlineMs?: number): JudgePolicy => createPolicyThread(deadlineMs).judge;

export function createPolicyThread(deadlineMs = DEADLINE_MS): PolicyThread {
  const threads = createRestingThread(MEMORY_MB, REST_MS);
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <Done>(toDo: ToDo, ends: Ends<Done>): Promise<Done> => {
    const doing = turn.then(() => doApart(threads, toDo, deadlineMs, ends));
    // Whoever asked is told of a failure; the next one has its turn all the same.
    turn = doing.catch(() => undefined);
    return doing;
  };
  return {
    async judge(document, terms) {
      // What is no policy costs little to refuse, and may be nested deeper than it could be handed over.
      const { policy, findings } = examineShape(document);
      if (policy === null || findings.length > 0) return { kind: 'refused', findings };
      const found = await inTurn({ does: 'check', policy, terms }, CHECK);
      return found.length === 0 ? { kind: 'ok', policy } : { kind: 'refused', findings: found };
    },
    clinical: (policy, terms) =>
      inTurn({ does: 'clinical', policy, terms }, { tooMuch: () => unreadClinical(policy), isSound: () => true }),
  };
}

interface Ends<Done> {
  /** The answer where it takes too much. */
  readonly tooMuch: (what: string) => Done;
  readonly isSound: (done: Done) => boolean;
}

/** A thread that was given up on, failed, refused a policy or had a large one is ended; the next policy has a new one. */
async function doApart<Done>(
  threads: RestingThread,
  toDo: ToDo,
  deadlineMs: number,
  { tooMuch, isSound }: Ends<Done>,
): Promise<Done> {
  const thread = threads.take();
  const { promise, resolve, reject } = Promise.withResolvers<Done>();
  const patience = setTimeout(() => resolve(tooMuch(`longer than ${deadlineMs / 1000} s`)), deadlineMs);
  let mayRest = false;
  const onMessage = (done: Done): void => {
    mayRest = isSound(done) && JSON.stringify(toDo.policy).length <= LARGE;
    resolve(done);
  };
  const onError = (error: NodeJS.ErrnoException): void =>
    error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? resolve(tooMuch(`more than ${MEMORY_MB} MB`)) : reject(error);
  const onExit = (): void => reject(new Error('the check of a policy ended without an answer'));
  thread.on('message', onMessage).on('error', onError).on('exit', onExit);
  try {
    thread.postMessage(toDo);
    return await promise;
  } finally {
    clearTimeout(patience);
    thread.off('message', onMessage).off('exit', onExit);
    if (mayRest) {
      thread.off('error', onError);
      threads.giveBack(thread);
    } else await thread.terminate();
  }
}

const CHECK: Ends<readonly PolicyFinding[]> = {
  tooMuch: (what) => [
    { code: 'tooSlow', where: '', message: `Its check takes ${what}. Make its patterns and tests fewer or smaller.` },
  ],
  isSound: (findings) => findings.length === 0,
};
