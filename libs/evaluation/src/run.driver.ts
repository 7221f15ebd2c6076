import type { EvaluationFailure, Grader, OwnEvidence, SuiteDocument } from '@openward/contracts';
import { type AskedItem, type AskedSet, bundledItems, drawAcross, ownItems, tagOf } from './asked-items.ts';
import type { SiteRecord } from './dataset.ts';
import { judge, type Judgement, type OwnOutcomes, type referencesOf, type WithheldReason } from './evaluate-suite.ts';
import { isRight } from './graders.ts';
import type { Outcome, Outcomes, PairedOutcomes, ReferenceOutcomes, Rerun } from './outcomes.ts';
import { overAfterMs } from './own-time.ts';
import type { EvaluationPorts, Reply, ResultKey, Subject } from './ports.ts';
import { Progress } from './progress.ts';
import { compareRerun, rerunOfOwn } from './rerun.ts';

/** One evaluation on one node. `seed` is the plan's; `own` was decided before (E6, E7) and is never decided here. */
export interface EvaluationJob {
  readonly suite: SuiteDocument;
  readonly suiteDigest: string;
  readonly candidate: Subject;
  readonly references: ReturnType<typeof referencesOf<Subject>>;
  readonly own: OwnData;
  readonly runtimeVersion: string;
  /** Digest of the site's own terms, as they are for the whole of this run. */
  readonly terms: string;
  readonly seed: number;
  /** The least time that a measurement of own records takes, to whoever sees its end; see `overAfterMs`. 0: its own. */
  readonly ownStepMs: number;
}

export type OwnData =
  | { readonly kind: 'notAsked' }
  | { readonly kind: 'withheld'; readonly reason: WithheldReason }
  /** Judged before: no record is read, and the same verdict stands. */
  | { readonly kind: 'again'; readonly evidence: OwnEvidence }
  | { readonly kind: 'records'; readonly digest: string; readonly records: readonly SiteRecord[] };

/** `failure`: what the first bundled item that failed did so with. That of an own record is told to nobody (E1). */
export type EvaluationEnd =
  | { readonly kind: 'judged'; readonly judgement: Judgement; readonly failure: EvaluationFailure | null }
  | { readonly kind: 'cancelled' };

type Measure = (subject: Subject, set: AskedSet, pass: string) => Promise<Outcomes>;

/**
 * Measures each reference, asks some of its items again, measures the candidate, and judges (E1 to E5). What was kept is
 * not asked again: a reference measured before, or all that came before a kill. A measurement stops at its first failure,
 * which is not kept, so that the next attempt asks it again; the other measurements go on. Cancelling ends between two
 * items, and loses none that was answered. What can be seen from outside, the quarters and when each is told, goes by the
 * bundled items alone: own records count for nothing in them, and how long they took is rounded up (P6).
 */
export async function runEvaluation(
  job: EvaluationJob,
  ports: EvaluationPorts,
  signal: AbortSignal,
): Promise<EvaluationEnd> {
  const bundled: AskedSet = { data: job.suiteDigest, items: bundledItems(job.suite) };
  const own: AskedSet | null =
    job.own.kind === 'records' ? { data: job.own.digest, items: ownItems(job.own.records) } : null;
  const drawn = drawAcross(own ? [bundled, own] : [bundled], job.suite.rerunItems, job.seed);
  const total = countBundled(job, bundled, drawn) + THE_END;
  const progress = new Progress(total, (quarters) => ports.reportProgress(quarters));
  let failure: EvaluationFailure | null = null;
  const ofBundled = measurer(job, ports, signal, {
    count: (items) => progress.add(items),
    failed: (code) => (failure ??= code),
  });
  const ofOwn = unhurried(job, ports, signal);
  const measure: Measure = (subject, set, pass) => (set.data === own?.data ? ofOwn : ofBundled)(subject, set, pass);
  try {
    const references: MeasuredReference[] = [];
    for (const { against, subject } of job.references) {
      references.push({ against, ...(await measureReference(job, subject, bundled, own, drawn, measure)) });
      await ports.done(subject);
    }
    const candidate = await measure(job.candidate, bundled, FIRST);
    const candidateOnOwn = own && (await measure(job.candidate, own, FIRST));
    await ports.done(job.candidate);
    await progress.add(THE_END);
    const paired: PairedOutcomes = { items: bundled.items, candidate, references: references.map(onBundled) };
    const ownOutcomes: OwnOutcomes =
      own && candidateOnOwn
        ? {
            kind: 'measured',
            paired: { items: own.items, candidate: candidateOnOwn, references: references.map(onOwn) },
          }
        : ownWithoutRecords(job.own);
    return { kind: 'judged', judgement: judge(job.suite, { bundled: paired, own: ownOutcomes }), failure };
  } catch (error) {
    if (signal.aborted) return { kind: 'cancelled' };
    throw error;
  }
}

const FIRST = 'first';
/** Counts as one item, so that the last quarter is told when all is over, own records too. */
const THE_END = 1;

interface MeasuredReference extends Pick<ReferenceOutcomes, 'against'> {
  readonly bundled: Outcomes;
  readonly own: Outcomes;
  readonly rerunBundled: Rerun;
  readonly rerunOwn: Rerun;
}

const onBundled = ({ against, bundled, rerunBundled }: MeasuredReference): ReferenceOutcomes => ({
  against,
  outcomes: bundled,
  rerun: rerunBundled,
});

const onOwn = ({ against, own, rerunBundled, rerunOwn }: MeasuredReference): ReferenceOutcomes => ({
  against,
  outcomes: own,
  rerun: rerunOfOwn(rerunBundled, rerunOwn),
});

/** E4: the reference's answers, kept or new, then the drawn items of both sets again. */
async function measureReference(
  job: EvaluationJob,
  subject: Subject,
  bundled: AskedSet,
  own: AskedSet | null,
  drawn: ReadonlySet<string>,
  measure: Measure,
): Promise<Omit<MeasuredReference, 'against'>> {
  const again = `rerun for ${job.candidate.release} ${job.candidate.variant} seed ${job.seed}`;
  const rerun = async (set: AskedSet, first: Outcomes): Promise<Rerun> => {
    const items = set.items.filter((item) => drawn.has(tagOf(set, item)));
    const second = await measure(subject, { ...set, items }, again);
    return compareRerun(
      items.map((item) => item.id),
      first,
      second,
    );
  };
  const bundledOutcomes = await measure(subject, bundled, FIRST);
  const ownOutcomes = own ? await measure(subject, own, FIRST) : new Map<string, Outcome>();
  return {
    bundled: bundledOutcomes,
    own: ownOutcomes,
    rerunBundled: await rerun(bundled, bundledOutcomes),
    rerunOwn: own ? await rerun(own, ownOutcomes) : 'notRun',
  };
}

/** What is told of a measurement, item by item; nothing of one of own records. */
interface Told {
  readonly count: (items: number) => Promise<void>;
  readonly failed: (code: EvaluationFailure) => void;
}

function measurer(job: EvaluationJob, ports: EvaluationPorts, signal: AbortSignal, told: Told): Measure {
  return async (subject, set, pass) => {
    const key = keyOf(job, subject, set, pass);
    const outcomes = new Map(await ports.results.kept(key));
    const open = set.items.filter((item) => !outcomes.has(item.id));
    await told.count(set.items.length - open.length);
    for (const [index, item] of open.entries()) {
      const outcome = graded(job.suite.grader, item, await ask(subject, item, ports, signal), told);
      outcomes.set(item.id, outcome);
      if (outcome === 'failed') {
        await told.count(open.length - index);
        return outcomes;
      }
      await ports.results.keep(key, item.id, outcome);
      await told.count(1);
    }
    return outcomes;
  };
}

/**
 * The same for own records: nothing of it is told on the way, and its end only when the time is over that says nothing of them. Also
 * where all were asked before: whoever withdraws a release and offers it again would see how far it had come.
 */
function unhurried(job: EvaluationJob, ports: EvaluationPorts, signal: AbortSignal): Measure {
  const measure = measurer(job, ports, signal, { count: () => Promise.resolve(), failed: () => undefined });
  return async (subject, set, pass) => {
    const began = ports.now();
    const outcomes = await measure(subject, set, pass);
    const took = ports.now() - began;
    await ports.wait(overAfterMs(took, job.ownStepMs) - took, signal);
    return outcomes;
  };
}

function keyOf(
  { suiteDigest: suite, runtimeVersion, terms }: EvaluationJob,
  subject: Subject,
  { data }: AskedSet,
  pass: string,
): ResultKey {
  return { ...subject, data, suite, runtimeVersion, terms, pass };
}

function graded(grader: Grader, { expected }: AskedItem, reply: Reply, { failed }: Told): Outcome {
  if (reply.kind === 'text') return isRight(grader, expected, reply.text) ? 'right' : 'wrong';
  failed(reply.code);
  return 'failed';
}

async function ask(subject: Subject, item: AskedItem, ports: EvaluationPorts, signal: AbortSignal): Promise<Reply> {
  signal.throwIfAborted();
  await ports.yieldToClinic(signal);
  signal.throwIfAborted();
  const reply = await ports.answer(subject, item.input, signal);
  if (reply.kind === 'failed') signal.throwIfAborted();
  return reply;
}

function countBundled({ references }: EvaluationJob, bundled: AskedSet, drawn: ReadonlySet<string>): number {
  const again = bundled.items.filter((item) => drawn.has(tagOf(bundled, item))).length;
  return bundled.items.length * (references.length + 1) + again * references.length;
}

function ownWithoutRecords(own: OwnData): OwnOutcomes {
  return own.kind === 'records' ? { kind: 'notAsked' } : own;
}
