import type { Language, PolicyTest, PromptPolicy, RuleId } from '@openward/contracts';
import { isPositive } from './check-tests.ts';
import { compilePolicy } from './compile.ts';
import { withoutControls } from './controls.ts';
import { isOfTimeAlone } from './matching.ts';
import {
  type CompiledPolicy,
  type Hit,
  type Monotonic,
  PolicyFailure,
  type SiteTerms,
  type WatchedTexts,
} from './model.ts';
import { joinTurns } from './turns.ts';

/** What became of one test. `differs` is empty where it passed. */
export interface TestResult {
  readonly name: string;
  readonly rule: RuleId;
  readonly language: Language;
  readonly positive: boolean;
  readonly differs: readonly TestDifference[];
}

export interface TestDifference {
  /**
   * `pieces`: with the reply in pieces it is not what the whole reply gives. `failure`: it could not be run. `time`: the rule `of`
   * takes far longer than it may.
   */
  readonly about: 'action' | 'rules' | 'text' | 'asked' | 'pieces' | 'failure' | 'time';
  readonly of?: RuleId;
  readonly expected: string;
  readonly actual: string;
}

/** What all tests of a policy together may take. The largest that anybody would write takes a tenth of it. */
export const MOST_TESTS_MS = 5_000;

/** How many times its limit a rule takes, twice in a row, before that is the rule's doing and not a busy machine's. */
const FAR_OVER = 20;

/**
 * Runs the tests of a policy at a site: with its pattern of record numbers, and with the default value of each variable, so that
 * the emergency number of a site fails no test. Rules see a clock that goes `FAR_OVER` times slower, since how fast this machine is
 * just now is no property of a policy; `now` ends them all after `MOST_TESTS_MS`, where the caller has other things to do.
 */
export function runPolicyTests(policy: PromptPolicy, terms: SiteTerms, now: Monotonic = () => 0): TestResult[] {
  const made = compilePolicy(policy, { recordNumber: terms.recordNumber, variables: {} });
  if (made.kind === 'ok') return runCompiledTests(made.compiled, now);
  const why = made.findings.map(({ where, message }) => `${where}: ${message}`).join(' ');
  return policy.tests.map((test) => resultOf(test, [failed('a policy that compiles', why)]));
}

/** The same, of a policy that has been compiled for its tests. */
export function runCompiledTests(compiled: CompiledPolicy, now: Monotonic = () => 0): TestResult[] {
  const order = new Map(compiled.policy.rules.map(({ id }, index) => [id, index]));
  const end = now() + MOST_TESTS_MS;
  let isOver = false;
  const slowed: Monotonic = () => {
    const at = now();
    isOver ||= at > end;
    if (isOver) throw new Error('the tests took too long');
    return at / FAR_OVER;
  };
  return compiled.policy.tests.map((test) => {
    const differs = isOver ? [] : differencesOrFailure(test, compiled, order, slowed);
    return resultOf(test, isOver ? [failed(`all tests within ${MOST_TESTS_MS / 1000} s`, 'longer')] : differs);
  });
}

function differencesOrFailure(...given: Parameters<typeof differences>): TestDifference[] {
  try {
    return differences(...given);
  } catch (error) {
    if (error instanceof PolicyFailure && isOfTimeAlone(error)) return [overTime(error.rule)];
    return [failed('every rule applied', error instanceof Error ? error.message : String(error))];
  }
}

const overTime = (of: RuleId): TestDifference => ({
  about: 'time',
  of,
  expected: `${of} within ${FAR_OVER} times its limit`,
  actual: 'longer, twice',
});

const resultOf = (test: PolicyTest, differs: readonly TestDifference[]): TestResult => ({
  name: test.name,
  rule: test.rule,
  language: test.language,
  positive: isPositive(test),
  differs,
});

const failed = (expected: string, actual: string): TestDifference => ({ about: 'failure', expected, actual });

interface Outcome {
  readonly action: PolicyTest['expect']['action'];
  readonly rules: readonly RuleId[];
  readonly text: string;
  /** Null: the model was not asked. */
  readonly asked: string | null;
}

/** Before any rule: the gateway answers with a code. */
const REFUSED: Outcome = { action: 'refused', rules: [], text: '', asked: null };

function differences(
  test: PolicyTest,
  compiled: CompiledPolicy,
  order: ReadonlyMap<RuleId, number>,
  now: Monotonic,
): TestDifference[] {
  const { clientSystem, controlCharacters } = compiled.policy;
  if (clientSystem === 'refuse' && test.messages.some(({ role }) => role === 'system')) {
    return compare(test.expect, REFUSED);
  }
  const turns = withoutControls(joinTurns(test.messages), controlCharacters);
  if (turns === null) {
    return compare(test.expect, REFUSED);
  }
  const input = compiled.applyInput({ turns, language: test.language, today: test.today }, now);
  const watched = (stage: 'input' | 'output', texts: readonly string[]): readonly Hit[] =>
    watchedHits(compiled, { whose: 'shadow', stage, texts, language: test.language, today: test.today }, now);
  const asInput = [
    ...input.hits,
    ...watched(
      'input',
      turns.map(({ text }) => text),
    ),
  ];
  const hit = (...hits: readonly Hit[]): RuleId[] =>
    [...new Set([...asInput, ...hits].map(({ rule }) => rule))].toSorted(
      (a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0),
    );
  if (input.kind === 'blocked') {
    return compare(test.expect, { action: 'block', rules: hit(), text: input.text, asked: null });
  }
  const asked = input.turns.at(-1)?.text ?? '';
  const inShadow = watched('output', [test.reply]);
  const reply = compiled.applyReply(input, test.reply, 'stop', now);
  const whole = { action: reply.action, rules: hit(...reply.hits, ...inShadow), text: reply.text, asked };
  const filter = compiled.openReply(input, now);
  const given = pieces(test).map((piece) => filter.push(piece));
  const end = filter.end('stop');
  const inPieces = {
    action: end.action,
    rules: hit(...end.hits, ...inShadow),
    text: given.join('') + end.text,
    asked,
  };
  const differs = compare(test.expect, whole);
  return differs.length > 0 || sameOutcome(whole, inPieces)
    ? differs
    : [{ about: 'pieces', expected: outcomeText(whole), actual: outcomeText(inPieces) }];
}

/** A rule in shadow harms no request where it fails, but a test that needs it tells of nothing then. */
function watchedHits(compiled: CompiledPolicy, texts: WatchedTexts, now: Monotonic): readonly Hit[] {
  // A rule that only counts has its time with all the others, and is no slower here than it may be there.
  const watched = compiled.watch(texts, () => (now(), 0));
  if (watched !== null && watched.failed.length > 0)
    throw new Error(`rules in shadow could not be applied: ${watched.failed.join(', ')}`);
  return watched?.hits ?? [];
}

const pieces = ({ reply, cuts }: PolicyTest): string[] =>
  [0, ...cuts].map((cut, index) => reply.slice(cut, cuts[index] ?? reply.length));

function compare(expected: PolicyTest['expect'], actual: Outcome): TestDifference[] {
  const differs: TestDifference[] = [];
  const add = (about: TestDifference['about'], wanted: string, got: string): void => {
    if (wanted !== got) differs.push({ about, expected: wanted, actual: got });
  };
  add('action', expected.action, actual.action);
  add('rules', rulesText(expected.rules), rulesText(actual.rules));
  add('text', expected.text, actual.text);
  if (expected.asked !== null) {
    if (actual.asked === null)
      differs.push({ about: 'asked', expected: expected.asked, actual: '(the model is not asked)' });
    else add('asked', expected.asked, actual.asked);
  }
  return differs;
}

const rulesText = (rules: readonly RuleId[]): string => (rules.length === 0 ? '(none)' : rules.join(', '));
const outcomeText = ({ action, rules, text }: Outcome): string => `${action}; ${rulesText(rules)}; ${text}`;
const sameOutcome = (a: Outcome, b: Outcome): boolean => outcomeText(a) === outcomeText(b);
