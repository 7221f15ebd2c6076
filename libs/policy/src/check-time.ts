import type { PolicyRule, PolicyTest, PromptPolicy } from '@openward/contracts';
import { isPositive } from './check-tests.ts';
import { fold } from './fold.ts';
import { type Finder, type FoldedText, type Monotonic, NO_SITE_TERMS, type PolicyFinding } from './model.ts';
import { compileRules } from './rules.ts';

// A pattern that is slow where a word stands fails there, and the end of a soak would tell that the word was asked. So each is timed
// where it matches, on texts as long as one sends, against the limit that it has where it serves.

/** Of each text, in characters. */
const LENGTH = 16_384;
const TRIES = 3;
/** All patterns of a policy together. Those of the largest that anybody would write take a tenth of it. */
const MOST_MS = 5_000;
const MOST_SEED = 4_096;
const FILLER = 'and then a little more is said of it, ';

/** Patterns that take longer than their rule may, on a busy machine too: each has several tries. */
export function* timeFindings(policy: PromptPolicy, now: Monotonic): Generator<PolicyFinding> {
  const patterns = policy.rules.filter(({ match }) => match.kind === 'regex');
  const places = new Map(policy.rules.map(({ id }, at) => [id, at]));
  const end = now() + MOST_MS;
  for (const ready of compileRules({ ...policy, rules: patterns }, NO_SITE_TERMS).rules) {
    if (ready.kind !== 'finder') continue;
    const { rule, finder } = ready;
    const where = `rules[${places.get(rule.id)}].timeLimitMs`;
    for (const text of textsOf(rule, policy.tests)) {
      if (now() > end) {
        yield {
          code: 'tooSlow',
          where,
          message: `The patterns up to here take longer than ${MOST_MS / 1000} s on long texts.`,
        };
        return;
      }
      if (isInTime(rule, finder, text, now)) continue;
      const message =
        `On its positive tests, repeated or padded to ${LENGTH} characters, it takes longer than its ${rule.timeLimitMs} ms, each of ` +
        `${TRIES} times. What is over its limit fails closed: make the pattern simpler, or give it more time.`;
      yield { code: 'tooSlow', where, message };
      break;
    }
  }
}

function textsOf(rule: PolicyRule, tests: readonly PolicyTest[]): readonly FoldedText[] {
  const own = tests.filter((test) => test.rule === rule.id && isPositive(test));
  const said = own.flatMap(({ messages, reply }) =>
    rule.stage === 'output' ? [reply] : messages.map(({ content }) => content),
  );
  const seed = [...new Set(said)].join('\n').slice(0, MOST_SEED);
  const [first] = own;
  if (first === undefined || seed === '') return [];
  const repeated = `${seed}\n`.repeat(Math.ceil(LENGTH / seed.length)).slice(0, LENGTH);
  const padded = (seed + FILLER.repeat(Math.ceil(LENGTH / FILLER.length))).slice(0, LENGTH);
  return [repeated, padded].map((text) => fold(text, first));
}

class OverTime extends Error {}

function isInTime({ timeLimitMs }: PolicyRule, finder: Finder, text: FoldedText, now: Monotonic): boolean {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const end = now() + timeLimitMs;
    const stillAllowed = (): void => {
      if (now() > end) throw new OverTime();
    };
    try {
      finder.find(text, stillAllowed);
      stillAllowed();
      return true;
    } catch (error) {
      if (!(error instanceof OverTime)) throw error;
    }
  }
  return false;
}
