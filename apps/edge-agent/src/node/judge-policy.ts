import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { PromptPolicy } from '@openward/contracts';
import { examineShape, type PolicyFinding, type SiteTerms } from '@openward/policy';

// The tests of a large policy take half a second, and those of a hostile one all that they are given. Clinics are answered on the
// main thread meanwhile.

/** The tests end by themselves much earlier; what is over this is no policy. */
const DEADLINE_MS = 30_000;
const MEMORY_MB = 256;

export interface ToJudge {
  readonly policy: PromptPolicy;
  readonly terms: SiteTerms;
}

/** What `checkPolicy` finds in a policy at this site; nothing found: it may be applied. One after the other. */
export type JudgePolicy = (policy: PromptPolicy, terms: SiteTerms) => Promise<readonly PolicyFinding[]>;

export function createPolicyJudge(deadlineMs = DEADLINE_MS): JudgePolicy {
  let turn: Promise<unknown> = Promise.resolve();
  return (policy, terms) => {
    // What is no policy costs little to refuse, and may be nested deeper than it could be handed over.
    const { findings } = examineShape(policy);
    if (findings.length > 0) return Promise.resolve(findings);
    const judging = turn.then(() => judgeApart({ policy, terms }, deadlineMs));
    turn = judging.catch(() => undefined);
    return judging;
  };
}

async function judgeApart(workerData: ToJudge, deadlineMs: number): Promise<readonly PolicyFinding[]> {
  const extension = extname(import.meta.filename);
  const worker = new Worker(new URL(`./policy-check.worker${extension}`, import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
    // From source nothing may be built yet.
    ...(extension === '.ts' && { execArgv: ['--conditions=@openward/source'] }),
  });
  const { promise, resolve, reject } = Promise.withResolvers<readonly PolicyFinding[]>();
  const patience = setTimeout(() => resolve(tooMuch(`longer than ${deadlineMs / 1000} s`)), deadlineMs);
  worker.once('message', resolve);
  worker.once('error', (error: NodeJS.ErrnoException) =>
    error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? resolve(tooMuch(`more than ${MEMORY_MB} MB`)) : reject(error),
  );
  worker.once('exit', () => reject(new Error('the check of a policy ended without an answer')));
  try {
    return await promise;
  } finally {
    clearTimeout(patience);
    await worker.terminate();
  }
}

const tooMuch = (what: string): readonly PolicyFinding[] => [
  { code: 'tooSlow', where: '', message: `Its check takes ${what}. Make its patterns and tests fewer or smaller.` },
];
