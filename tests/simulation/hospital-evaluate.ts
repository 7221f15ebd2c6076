import { SuiteDocument } from '@openward/contracts';
import type { Evaluate, EvaluationResult, Held, ModelRuntime } from '@openward/activation';
import { between, type Life } from '@openward/activation/testing';
import type { SimulatedDisk } from '@openward/distribution/testing';
import { type Outcome, referencesOf, type ResultKey, runEvaluation, type Subject } from '@openward/evaluation';
import { answerOf, parseOnce, recordsOf, type SiteName } from './catalogue.ts';
import { bytesOn } from './hospital-artifacts.ts';
import { RUNTIME_VERSION } from './surroundings.ts';

const isSame = (a: Subject, b: Subject): boolean => a.release === b.release && a.variant === b.variant;
const subjectOf = (held: Held): Subject => ({ release: held.release, variant: held.artifact.file });

/** Outcomes and judgements as the node's database keeps them: they outlive the machine. */
export class KeptResults {
  readonly judgements = new Map<string, EvaluationResult>();
  readonly #outcomes = new Map<string, Map<string, Outcome>>();

  of(key: ResultKey): Map<string, Outcome> {
    const name = JSON.stringify(key);
    const found = this.#outcomes.get(name) ?? new Map<string, Outcome>();
    this.#outcomes.set(name, found);
    return found;
  }
}

/** The real run of the suite, with answers of simulated models. What was judged once is not looked at again (E4). */
export function simulatedEvaluation(
  life: Life,
  options: {
    readonly seed: number;
    readonly site: SiteName;
    readonly disk: SimulatedDisk;
    readonly kept: KeptResults;
    readonly models: ModelRuntime;
    readonly isLoaded: (key: string) => boolean;
    readonly isSuiteAccepted: (suite: string) => boolean;
  },
): Evaluate {
  const { seed, site, disk, kept, models } = options;
  const { world } = life;
  return {
    terms: () => 'none',
    evaluate: async ({ assignment, candidate, live, anchor }, progress, signal) => {
      const { digest, artifact } = assignment.suite;
      const suite = parseOnce(artifact.file, bytesOn(disk, artifact.file), SuiteDocument);
      const isAccepted = options.isSuiteAccepted(digest);
      const mark = JSON.stringify([candidate.release, candidate.artifact.file, digest, isAccepted]);
      const before = kept.judgements.get(mark);
      if (before) return before;

      const all = [candidate, live, anchor].filter((held) => held !== null);
      const heldOf = (subject: Subject): Held => all.find((held) => isSame(subjectOf(held), subject))!;
      let asked = 0;
      const end = await runEvaluation(
        {
          suite,
          suiteDigest: digest,
          candidate: subjectOf(candidate),
          references: referencesOf(live && subjectOf(live), anchor && subjectOf(anchor), isSame),
          own: isAccepted
            ? { kind: 'records', digest: `records of ${site}`, records: recordsOf(site) }
            : { kind: 'withheld', reason: 'suiteNotAccepted' },
          runtimeVersion: RUNTIME_VERSION,
          terms: 'none',
          seed: assignment.seed,
          ownStepMs: 0,
        },
        {
          answer: async (subject, input, stop) => {
            const held = heldOf(subject);
            if (!options.isLoaded(held.key)) await models.load(held, stop);
            // One wait for many answers: what matters is that a death can fall between any two of them.
            if (++asked % 25 === 0) await life.answer(between(world, 20, 200), () => undefined, stop);
            return { kind: 'text', text: answerOf(seed, held.number, input) };
          },
          yieldToClinic: () => Promise.resolve(),
          now: () => 0,
          wait: (ms, stop) => life.answer(ms, () => undefined, stop),
          done: async (subject) => {
            const { key } = heldOf(subject);
            if (key !== candidate.key && key !== live?.key) await models.unload(key);
          },
          reportProgress: (quarters) => Promise.resolve(progress(quarters)),
          results: {
            kept: (key) => life.answer(1, () => [...kept.of(key)]),
            keep: (key, item, outcome) => {
              if (!life.isOver) kept.of(key).set(item, outcome);
              return Promise.resolve();
            },
          },
        },
        signal,
      );
      if (end.kind === 'cancelled') throw new Error('cancelled');
      const { verdict, reason, bundled, own } = end.judgement;
      const result = { verdict, reason, bundled, own, runtimeVersion: RUNTIME_VERSION };
      return life.answer(between(world, 1, 20), () => {
        if (verdict !== 'error') kept.judgements.set(mark, result);
        world.note(`${site} judges release ${candidate.number}: ${verdict}, ${reason}`);
        return result;
      });
    },
  };
}
