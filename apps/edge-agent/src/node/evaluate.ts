import { setImmediate as othersTurn } from 'node:timers/promises';
import { Unrecoverable, type Evaluate, type EvaluationResult, type Held } from '@openward/activation';
import {
  canonicalJson,
  digestOf,
  type Assignment,
  type Log,
  type PromptPolicy,
  type Release,
  type SuiteDocument,
  type Version,
} from '@openward/contracts';
import {
  countChangedPersons,
  decideVerdictLeave,
  isExpired,
  referencesOf,
  runEvaluation,
  type EvaluationEnd,
  type Judgement,
  type OwnData,
  type Subject,
} from '@openward/evaluation';
import type { SqliteDataSets, SqliteJudgements, SqliteResults, StoredDataSet } from '@openward/persistence/node';
import type { CompiledPolicy, Monotonic, SiteTerms } from '@openward/policy';
import type { Runtime } from '@openward/runtime';
import type { Slots } from '../gateway/slots.ts';
import type { Documents } from './documents.ts';
import { answerItem } from './evaluation-answer.ts';
import type { LoadedReleases } from './model-runtime.ts';
import { asVersion } from './node-class.ts';

export interface EvaluateOptions {
  readonly documents: Documents;
  readonly models: LoadedReleases;
  readonly runtime: Runtime;
  readonly slots: Slots;
  readonly results: SqliteResults;
  readonly judgements: SqliteJudgements;
  readonly dataSets: SqliteDataSets;
  readonly isSuiteAccepted: (suite: string) => boolean;
  /** Whether a service of this node has a use for what is loaded under this key, beside the evaluation. */
  readonly isInUse: (key: string) => boolean;
  /** Rejects with `Unrecoverable` where this node would not run the release's policy, with its own terms. */
  readonly assertPolicy: (assignment: Assignment, release: Release) => Promise<void>;
  /** The site's own, as they are now. */
  readonly terms: () => SiteTerms;
  readonly compile: (policy: PromptPolicy, terms: SiteTerms) => CompiledPolicy;
  /** `YYYY-MM-DD`, in the site's time zone. */
  readonly today: () => string;
  readonly monotonic: Monotonic;
  readonly wall: () => number;
  /** Rejects when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** What a measurement of own records takes at least, to whoever sees when it is told (`overAfterMs`). */
  readonly ownStepMs: number;
  readonly log: Log;
}

const isSame = (a: Subject, b: Subject): boolean => a.release === b.release && a.variant === b.variant;
const subjectOf = (held: Held): Subject => ({ release: held.release, variant: held.artifact.file });

/** Runs the suite on the staged candidate beside the references. What was judged once is not looked at again (E4). */
export function createEvaluate(options: EvaluateOptions): Evaluate {
  const { documents, judgements, runtime } = options;
  return {
    terms: () => digestOf(options.terms()),
    async evaluate({ assignment, candidate, live, anchor }, progress, signal) {
      const suite = await documents.suite(assignment.suite.digest, assignment.suite.artifact);
      if (suite.service !== assignment.service)
        throw new Unrecoverable('suiteInvalid', 'the suite is for another service');
      // The site may have changed its terms while the release was being checked; from here on it is asked of them.
      await options.assertPolicy(assignment, await documents.release(candidate.release, candidate.document));
      const runtimeVersion = await versionOf(runtime);
      // One look is under one set of terms, whatever the site changes meanwhile; with others what was seen could be another thing.
      const siteTerms = options.terms();
      const terms = digestOf(siteTerms);
      const set = newestSet(options.dataSets, suite);
      const subject = subjectOf(candidate);
      const key = canonicalJson({
        ...subject,
        suite: assignment.suite.digest,
        data: set?.data ?? null,
        runtimeVersion,
        terms,
      });
      const kept = judgements.find<EvaluationResult>(key);
      if (kept !== null) return kept.result;

      const under = digestOf({ variant: subject.variant, runtimeVersion, terms });
      const own = ownDataOf(options, suite, assignment.suite.digest, candidate.release, under, set);
      const around = { ...options, compile: once((policy) => options.compile(policy, siteTerms)) };
      const held = [candidate, ...(live === null ? [] : [live]), ...(anchor === null ? [] : [anchor])];
      const end = await runEvaluation(
        {
          suite,
          suiteDigest: assignment.suite.digest,
          candidate: subject,
          references: referencesOf(
            live === null ? null : subjectOf(live),
            anchor === null ? null : subjectOf(anchor),
            isSame,
          ),
          own,
          runtimeVersion,
          terms,
          seed: assignment.seed,
          ownStepMs: options.ownStepMs,
        },
        {
          answer: (asked, input, stop) => answerItem(around, heldOf(held, asked), input, languageOf(suite), stop),
          // An item that is blocked waits for no runtime, and a thousand of them would let nobody else have a turn.
          yieldToClinic: async () => {
            await othersTurn();
            await options.slots.whenIdle();
          },
          now: options.monotonic,
          wait: options.sleep,
          done: (asked) => leave(options, heldOf(held, asked).key, [candidate, live]),
          reportProgress: (quarters) => Promise.resolve(progress(quarters)),
          results: options.results,
        },
        signal,
      );
      if (end.kind === 'cancelled') throw signal.reason ?? new Error('the evaluation was cancelled');
      const result = resultOf(end, runtimeVersion, terms);
      keep(options, key, result, end.judgement, own, set, assignment.suite.digest, candidate.release, under);
      return result;
    },
  };
}

/** The version stands in the judgement, so it is never guessed. A runtime that is down may come back: no code, so that the attempt waits. */
async function versionOf(runtime: Runtime): Promise<Version> {
  try {
    return asVersion((await runtime.describe()).version);
  } catch (cause) {
    throw new Error('the runtime does not tell its version now', { cause });
  }
}

function heldOf(all: readonly Held[], subject: Subject): Held {
  const found = all.find((held) => isSame(subjectOf(held), subject));
  if (found === undefined) throw new Error(`the release ${subject.release} is not held here`);
  return found;
}

type Compile = (policy: PromptPolicy) => CompiledPolicy;

/** Made ready once, and not for each of its items. */
function once(compile: Compile): Compile {
  const made = new Map<PromptPolicy, CompiledPolicy>();
  return (policy) => {
    const compiled = made.get(policy) ?? compile(policy);
    made.set(policy, compiled);
    return compiled;
  };
}

/** What a suite of one language is asked in; with several, an item does not say its own, and the policy's first is taken. */
const languageOf = ({ languages }: SuiteDocument): string | null =>
  languages.length === 1 ? (languages[0] ?? null) : null;

/** N6: an anchor whose files neither serve nor wait to, for this service or another, is loaded for its turn alone. */
async function leave(
  { models, isInUse }: EvaluateOptions,
  key: string,
  staying: readonly (Held | null)[],
): Promise<void> {
  if (staying.every((held) => held?.key !== key) && !isInUse(key)) await models.unload(key);
}

const newestSet = (dataSets: SqliteDataSets, suite: SuiteDocument): StoredDataSet | null =>
  suite.contract === undefined ? null : (dataSets.ofService(suite.service).at(-1) ?? null);

/** E6, E7: everything that is asked before a record is read. */
function ownDataOf(
  options: EvaluateOptions,
  suite: SuiteDocument,
  suiteDigest: string,
  release: string,
  under: string,
  set: StoredDataSet | null,
): OwnData {
  const { contract } = suite;
  if (contract === undefined) return { kind: 'notAsked' };
  if (!options.isSuiteAccepted(suiteDigest)) return { kind: 'withheld', reason: 'suiteNotAccepted' };
  const now = options.wall();
  if (set === null || set.records.some(({ label }) => !contract.labels.includes(label)))
    return { kind: 'withheld', reason: 'dataMissing' };
  if (isExpired(set.card, new Date(now).toISOString().slice(0, 10))) return { kind: 'withheld', reason: 'dataExpired' };
  const leave = decideVerdictLeave(options.judgements.verdicts(), {
    dataSet: set.name,
    data: set.data,
    suite: suiteDigest,
    release,
    under,
    now,
    personsChangedSince: (data) =>
      countChangedPersons(options.dataSets.fingerprintsOf(data) ?? new Map(), set.fingerprints),
  });
  if (leave.kind === 'withheld') return { kind: 'withheld', reason: leave.reason };
  // Judged before, in a run that ended in error and left no judgement: what it said of own records stands.
  if (leave.kind === 'again') return leave;
  const records = set.records.map((record) => ({ ...record, redFlag: record.label === contract.redFlagLabel }));
  return { kind: 'records', digest: set.data, records };
}

const resultOf = (
  { judgement: { verdict, reason, bundled, own }, failure }: Extract<EvaluationEnd, { readonly kind: 'judged' }>,
  runtimeVersion: string,
  terms: string,
): EvaluationResult => ({
  verdict,
  reason,
  bundled,
  own,
  runtimeVersion,
  terms,
  ...(verdict === 'error' && failure !== null ? { failure } : {}),
});

/** Errors are looked at again another time; everything else is the one look. */
function keep(
  { judgements, wall }: EvaluateOptions,
  key: string,
  result: EvaluationResult,
  { local, own: evidence }: Judgement,
  own: OwnData,
  set: StoredDataSet | null,
  suite: string,
  release: string,
  under: string,
): void {
  const verdict =
    own.kind === 'records' && set !== null && evidence !== null
      ? { dataSet: set.name, data: set.data, suite, release, under, evidence, at: wall() }
      : null;
  const isOneLook = result.verdict !== 'error' && own.kind !== 'withheld';
  // What is looked at again has no row that anybody would find, but a verdict on own records is charged all the same (E6).
  if (!isOneLook && verdict === null) return;
  const kept = isOneLook ? key : `${key} ${digestOf({ at: wall() })}`;
  judgements.keep(kept, result, { bundled: local.bundledForTheSite(), own: local.ownForTheSite() }, verdict, wall());
}
