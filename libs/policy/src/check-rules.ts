import type { PolicyRule, PolicyStage, PromptPolicy, RuleDoes, RuleMatch } from '@openward/contracts';
import type { PolicyFinding } from './model.ts';

const ANY: readonly RuleDoes[] = ['block', 'redact', 'replace', 'annotate', 'escalate'];
const NONE: readonly RuleDoes[] = [];

/**
 * What a rule of a kind may do at a stage. A schema is of replies, and judges them whole: there is no match to redact or replace.
 * A length too; but a reply that is too long may end at a sentence (redact). A request may not: what is cut from it could be what
 * the patient has. How long a text is tells no emergency, so a length escalates nothing.
 */
export const ALLOWED: Readonly<Record<RuleMatch['kind'], Readonly<Record<PolicyStage, readonly RuleDoes[]>>>> = {
  regex: { input: ANY, output: ANY },
  identifier: { input: ANY, output: ANY },
  topic: { input: ANY, output: ANY },
  schema: { input: NONE, output: ['block', 'annotate', 'escalate'] },
  length: { input: ['block', 'annotate'], output: ['block', 'annotate', 'redact'] },
};

/** Each is a program of its own to compile; a reply has one form, and may have another in shadow. */
const MOST_SCHEMAS = 8;

/**
 * Of all topics together, in all languages. So many cost a text of 4 kB some 0.05 ms, and 0.3 to 1.3 ms one that has nothing but words
 * with which they begin, in 1 to 50 topics; and more are read by nobody.
 */
export const MOST_PHRASES = 5_000;

/** Rules that stand where they cannot, do what they cannot, or look for nothing in a language of the policy. */
export function* ruleFindings({ rules, languages }: PromptPolicy): Generator<PolicyFinding> {
  const schemaAt = rules.findIndex((it) => it.match.kind === 'schema' && it.mode === 'enforce');
  const schemas = rules.filter(({ match }) => match.kind === 'schema').length;
  if (schemas > MOST_SCHEMAS) {
    const message = `It has ${schemas} schema rules, of which ${MOST_SCHEMAS} are allowed. A reply has one form.`;
    yield { code: 'schemaTooLarge', where: 'rules', message };
  }
  const phrases = rules.reduce((sum, { match }) => sum + (match.kind === 'topic' ? phrasesOf(match.phrases) : 0), 0);
  if (phrases > MOST_PHRASES) {
    const message = `Its topics have ${phrases} phrases together, of which ${MOST_PHRASES} are allowed. Leave out what says the same, or use patterns.`;
    yield { code: 'tooManyPhrases', where: 'rules', message };
  }
  for (const [at, rule] of rules.entries()) {
    const where = `rules[${at}]`;
    const { kind } = rule.match;
    const allowed = ALLOWED[kind][rule.stage];
    if (allowed.length === 0) {
      yield { code: 'stageMismatch', where: `${where}.stage`, message: `A ${kind} rule stands at the output alone.` };
    } else if (!allowed.includes(rule.action.does)) {
      yield {
        code: 'actionMismatch',
        where: `${where}.action`,
        message: `A ${kind} rule at the ${rule.stage} cannot ${rule.action.does}; it can ${allowed.join(', ')}.`,
      };
    }
    if (rule.match.kind === 'topic') yield* topicFindings(rule.match.phrases, languages, `${where}.match.phrases`);
    const breaks = schemaAt >= 0 && rule.stage === 'output' ? breaksJson(rule) : null;
    if (breaks !== null) {
      yield {
        code: 'actionMismatch',
        where: `${where}.action`,
        message: `${breaks}, and rules[${schemaAt}] makes each reply JSON: it would no longer be.`,
      };
    }
  }
}

const phrasesOf = (phrases: Readonly<Record<string, readonly string[]>>): number =>
  Object.values(phrases).reduce((sum, { length }) => sum + length, 0);

function* topicFindings(
  phrases: Readonly<Record<string, readonly string[]>>,
  languages: readonly string[],
  where: string,
): Generator<PolicyFinding> {
  for (const language of languages) {
    if (!Object.hasOwn(phrases, language)) {
      yield { code: 'languageMissing', where, message: `It has no phrases in ${language}, a language of the policy.` };
    }
  }
  for (const language of Object.keys(phrases)) {
    if (!languages.includes(language)) {
      yield { code: 'languageMissing', where: `${where}.${language}`, message: `The policy is not for ${language}.` };
    }
  }
}

function breaksJson({ match, action }: PolicyRule): string | null {
  if (match.kind === 'length' && action.does === 'redact') return 'It ends a reply at a sentence';
  const put = action.does === 'redact' ? action.marker : action.does === 'replace' ? action.replacement : '';
  return JSON.stringify(put) === `"${put}"`
    ? null
    : 'What it puts in the place of a match has a quotation mark, a backslash or a control character';
}

/** Names that stand for two things. */
export function* duplicateFindings(policy: PromptPolicy): Generator<PolicyFinding> {
  const models = policy.models.map(({ name }) => name);
  const fields = policy.parameters.map(({ field }) => field);
  yield* twice(
    policy.rules.map(({ id }) => id),
    'rules',
    'id',
    'rule',
  );
  yield* twice(
    policy.variables.map(({ name }) => name),
    'variables',
    'name',
    'variable',
  );
  yield* twice(fields, 'parameters', 'field', 'parameter');
  yield* twice(models, 'models', 'name', 'model');
  yield* twice(policy.languages, 'languages', '', 'language');
  yield* twice(policy.log, 'log', '', 'field of the log');
}

function* twice(names: readonly string[], list: string, field: string, what: string): Generator<PolicyFinding> {
  const seen = new Set<string>();
  for (const [at, name] of names.entries()) {
    if (seen.has(name)) {
      const where = `${list}[${at}]${field === '' ? '' : `.${field}`}`;
      yield { code: 'duplicate', where, message: `There is another ${what} ${name}. Each has its own.` };
    }
    seen.add(name);
  }
}
