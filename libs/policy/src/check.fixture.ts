import { plainPolicy, type PolicyRule, type PolicyTest, type PromptPolicy } from '@openward/contracts';

/** A regex rule at the output that redacts, but for what is given. */
export const ruleOf = (given: Partial<PolicyRule> = {}): PolicyRule => ({
  id: 'codes',
  description: 'Codes of wards stay inside.',
  stage: 'output',
  match: { kind: 'regex', pattern: 'W-[0-9]{3}', ignoreCase: false },
  action: { does: 'redact', marker: '[code]' },
  mode: 'enforce',
  timeLimitMs: 50,
  ...given,
});

/** A test of the rule `codes` that passes, but for what is given. */
export const testOf = (
  given: Partial<Omit<PolicyTest, 'expect'>> & { readonly expect?: Partial<PolicyTest['expect']> } = {},
): PolicyTest => ({
  name: 'a code',
  rule: 'codes',
  language: 'en',
  messages: [{ role: 'user', content: 'Where?' }],
  reply: 'In W-123 now.',
  cuts: [4, 6],
  today: '2026-03-01',
  ...given,
  expect: { action: 'redact', rules: ['codes'], text: 'In [code] now.', asked: 'Where?', ...given.expect },
});

const negative = testOf({
  name: 'no code',
  reply: 'In W-12.',
  cuts: [],
  expect: { action: 'none', rules: [], text: 'In W-12.' },
});

/** A sound policy with one rule and its tests. */
export const policyOf = (given: Partial<PromptPolicy> = {}): PromptPolicy => ({
  ...plainPolicy('You answer questions.', { id: 'wards' }),
  rules: [ruleOf()],
  tests: [testOf(), negative],
  ...given,
});
