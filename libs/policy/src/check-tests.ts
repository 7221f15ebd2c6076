import type { PolicyRule, PolicyTest, PromptPolicy } from '@openward/contracts';
import type { PolicyFinding } from './model.ts';

export const isPositive = ({ rule, expect }: PolicyTest): boolean => expect.rules.includes(rule);

/**
 * A rule finds record numbers by a pattern that only a site has: elsewhere it finds nothing, so its author can only show what it
 * must not do.
 */
const canBePositive = ({ match }: PolicyRule): boolean =>
  !(match.kind === 'identifier' && match.identifier === 'recordNumber');

/** Tests that are about nothing, and rules without one positive and one negative test in each language. */
export function* testFindings({ rules, languages, tests }: PromptPolicy): Generator<PolicyFinding> {
  const known = new Set(rules.map(({ id }) => id));
  const had = new Set<string>();
  for (const [at, test] of tests.entries()) {
    const where = `tests[${at}]`;
    for (const [path, id] of [['rule', test.rule], ...test.expect.rules.map((it) => ['expect.rules', it])] as const) {
      if (!known.has(id ?? '')) yield { code: 'shape', where: `${where}.${path}`, message: `There is no rule ${id}.` };
    }
    if (!languages.includes(test.language)) {
      yield { code: 'languageMissing', where: `${where}.language`, message: `The policy is not for ${test.language}.` };
    }
    if (test.cuts.some((cut, index) => cut <= (test.cuts[index - 1] ?? -1) || cut > test.reply.length)) {
      yield { code: 'shape', where: `${where}.cuts`, message: 'Cuts rise, and lie within the reply.' };
    }
    // Of a request that no rule sees, a rule shows nothing.
    if (test.expect.action !== 'refused') had.add(keyOf(test.rule, test.language, isPositive(test)));
  }
  for (const [at, rule] of rules.entries()) {
    for (const language of languages) {
      for (const positive of canBePositive(rule) ? [true, false] : [false]) {
        if (had.has(keyOf(rule.id, language, positive))) continue;
        yield {
          code: 'testMissing',
          where: `rules[${at}]`,
          message: `The rule ${rule.id} has no ${positive ? 'positive' : 'negative'} test in ${language}: one in which it ${positive ? 'hits' : 'does not hit'}.`,
        };
      }
    }
  }
}

const keyOf = (rule: string, language: string, positive: boolean): string => `${rule} ${language} ${positive}`;
