import type { Grader, SuiteDocument } from '@openward/contracts';
import { type AskedItem, type AskedSet, bundledItems, drawAcross, ownItems, tagOf } from './asked-items.ts';
import type { SiteRecord } from './dataset.ts';
import { judge, type Judgement, type OwnOutcomes, type referencesOf, type WithheldReason } from './evaluate-suite.ts';
import { isRight } from './graders.ts';
import type { Outcome, Outcomes, PairedOutcomes, ReferenceOutcomes, Rerun } from './outcomes.ts';
import type { EvaluationPorts, ResultKey, Subject } from './ports.ts';
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
}

export type OwnData =
  | { readonly kind: 'notAsked' }
  | { readonly kind: 'withheld'; readonly reason: WithheldReason }
  | { readonly kind: 'records'; readonly digest: string; readonly records: readonly SiteRecord[] };

export type EvaluationEnd = { readonly kind: 'judged'; readonly judgement: Judgement } | { readonly kind: 'cancelled' };

type Measure = (subject: Subject, set: AskedSet, pass: string) => Promise<Outcomes>;

/**
 * Measures each reference, asks some of its items again, measures the candidate, and judges (E1 to E5). What was kept is
 * not asked again: a reference measured before, or all that came before a kill. A measurement stops at its first failure,
 * which is not kept, so that the next attempt asks it again; the other measurements go on. Cancelling ends between two
 * items, and loses none that was answered.
 */
export async function runEvaluation(
  job: EvaluationJob,
  ports: EvaluationPorts,
  signal: AbortSignal,
): Promise<EvaluationEnd> {
  const bundled: AskedSet = { data: job.suiteDigest, items: bundledItems(job.suite) };
  const own: AskedSet | null =
    job.own.kind === 'records' ? { data: job.own.digest, items: ownItems(job.own.records) } : null;
  const measure = measurer(
    job,
    ports,
    new Progress(countAsked(job, bundled, own), (quarters) => ports.reportProgress(quarters)),
    signal,
  );
  try {
    const references: MeasuredReference[] = [];
    for (const { against, subject } of job.references) {
      references.push({ against, ...(await measureReference(job, subject, bundled, own, measure)) });
      await ports.done(subject);
    }
    const candidate = await measure(job.candidate, bundled, FIRST);
    const candidateOnOwn = own && (await measure(job.candidate, own, FIRST));
    await ports.done(job.candidate);
    const paired: PairedOutcomes = { items: bundled.items, candidate, references: references.map(onBundled) };
    const ownOutcomes: OwnOutcomes =
      own && candidateOnOwn
        ? {
            kind: 'measured',
            paired: { items: own.items, candidate: candidateOnOwn, references: references.map(onOwn) },
          }
        : ownWithoutRecords(job.own);
    return { kind: 'judged', judgement: judge(job.suite, { bundled: paired, own: ownOutcomes }) };
  } catch (error) {
    if (signal.aborted) return { kind: 'cancelled' };
    throw error;
  }
}

const FIRST = 'first';

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
  measure: Measure,
): Promise<Omit<MeasuredReference, 'against'>> {
  const again = `rerun for ${job.candidate.release} ${job.candidate.variant} seed ${job.seed}`;
  const drawn = drawAcross(own ? [bundled, own] : [bundled], job.suite.rerunItems, job.seed);
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

function measurer(job: EvaluationJob, ports: EvaluationPorts, progress: Progress, signal: AbortSignal): Measure {
  return async (subject, set, pass) => {
    const { suiteDigest: suite, runtimeVersion, terms } = job;
    const key: ResultKey = { ...subject, data: set.data, suite, runtimeVersion, terms, pass };
    const outcomes = new Map(await ports.results.kept(key));
    const open = set.items.filter((item) => !outcomes.has(item.id));
    await progress.add(set.items.length - open.length);
    for (const [index, item] of open.entries()) {
      const outcome = await ask(subject, item, job.suite.grader, ports, signal);
      outcomes.set(item.id, outcome);
      if (outcome === 'failed') {
        await progress.add(open.length - index);
        return outcomes;
      }
      await ports.results.keep(key, item.id, outcome);
      await progress.add(1);
    }
    return outcomes;
  };
}

async function ask(
  subject: Subject,
  item: AskedItem,
  grader: Grader,
  ports: EvaluationPorts,
  signal: AbortSignal,
): Promise<Outcome> {
  signal.throwIfAborted();
  await ports.yieldToClinic(signal);
  signal.throwIfAborted();
  const reply = await ports.answer(subject, item.input, signal);
  if (reply.kind === 'text') return isRight(grader, item.expected, reply.text) ? 'right' : 'wrong';
  signal.throwIfAborted();
  return 'failed';
}

function countAsked(job: EvaluationJob, bundled: AskedSet, own: AskedSet | null): number {
  const items = bundled.items.length + (own?.items.length ?? 0);
  return items * (job.references.length + 1) + Math.min(items, job.suite.rerunItems) * job.references.length;
}

function ownWithoutRecords(own: OwnData): OwnOutcomes {
  return own.kind === 'withheld' ? own : { kind: 'notAsked' };
}
