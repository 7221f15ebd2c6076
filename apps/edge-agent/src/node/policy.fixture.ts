import { plainPolicy, type PolicyRule, type PolicyTest, type PromptPolicy } from '@openward/contracts';
import { checkPolicy } from '@openward/policy';
import type { JudgePolicy } from '@openward/policy-check';

// A sound policy that goes by the site's own terms: it redacts medical record numbers, and its refusals tell a number to call.

const recordNumbers: PolicyRule = {
  id: 'record-numbers',
  description: 'Record numbers do not reach the model.',
  stage: 'input',
  match: { kind: 'identifier', identifier: 'recordNumber' },
  action: { does: 'redact', marker: '[record]' },
  mode: 'enforce',
  timeLimitMs: 500,
};
const weapons: PolicyRule = {
  id: 'weapons',
  description: 'Nothing about weapons.',
  stage: 'input',
  match: { kind: 'regex', pattern: 'weapons?', ignoreCase: true },
  action: { does: 'block', text: 'refusal' },
  mode: 'enforce',
  timeLimitMs: 500,
};

const test = (rule: string, name: string, said: string, expect: Partial<PolicyTest['expect']> = {}): PolicyTest => ({
  name,
  rule,
  language: 'en',
  messages: [{ role: 'user', content: said }],
  reply: 'Rest.',
  cuts: [],
  today: '2026-03-01',
  expect: { action: 'none', rules: [], text: 'Rest.', asked: null, ...expect },
});

const blocked = test('weapons', 'a weapon', 'Where are weapons sold?', {
  action: 'block',
  rules: ['weapons'],
  text: 'Call 112.',
});

/** Blocks weapons, and tells the site's own emergency number. */
export const policyOf = (given: Partial<PromptPolicy> = {}): PromptPolicy => ({
  ...plainPolicy('You sort patients.', { id: 'ward' }),
  variables: [
    { name: 'emergencyNumber', description: 'The number to call.', default: '112', setBySite: true },
    { name: 'network', description: 'Who made it.', default: 'Openward', setBySite: false },
  ],
  texts: { refusal: { en: 'Call {{emergencyNumber}}.' } },
  rules: [weapons],
  tests: [blocked, test('weapons', 'no weapon', 'A mild headache.')],
  ...given,
});

/** The same, and a rule that takes out record numbers, which must leave a dose alone. */
export const withRecordNumbers = (given: Partial<PromptPolicy> = {}): PromptPolicy =>
  policyOf({
    rules: [recordNumbers, weapons],
    tests: [...policyOf().tests, test('record-numbers', 'a dose', 'Take 500 mg now.', { asked: 'Take 500 mg now.' })],
    ...given,
  });

/** The same check, without a thread of its own. */
export const judgeHere: JudgePolicy = (policy, terms) => {
  const checking = checkPolicy(policy, terms, () => performance.now());
  return Promise.resolve(checking);
};
