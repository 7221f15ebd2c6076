import { describe, expect, it } from 'vitest';
import { plainPolicy, type PolicyRule, type PromptPolicy } from '@openward/contracts';
import { policyChangeOf } from './change.ts';
import { diffPolicies } from './diff.ts';

const rule = (id: string, given: Partial<PolicyRule> = {}): PolicyRule => ({
  id,
  description: 'A rule.',
  stage: 'output',
  match: { kind: 'regex', pattern: 'a', ignoreCase: false },
  action: { does: 'redact', marker: '[…]' },
  mode: 'enforce',
  timeLimitMs: 50,
  ...given,
});
const policy: PromptPolicy = {
  ...plainPolicy('One.\nTwo.'),
  rules: [rule('a'), rule('b'), rule('c')],
  texts: { stop: { en: 'Stop.' } },
  variables: [{ name: 'number', description: 'The emergency number.', default: '112', setBySite: true }],
};
const next = (given: Partial<PromptPolicy>): PromptPolicy => ({ ...policy, revision: 2, ...given });

describe('the class of a change', () => {
  it('is none where nothing but the revision is new', () => {
    expect(policyChangeOf(policy, next({}))).toBeNull();
    expect(policyChangeOf(policy, next({ texts: structuredClone(policy.texts) }))).toBeNull();
  });

  it.each<[string, Partial<PromptPolicy>]>([
    ['the system prompt', { systemPrompt: 'Three.' }],
    ['a text', { texts: { stop: { en: 'Halt.' } } }],
    ['one more text', { texts: { ...policy.texts, more: { en: 'More.' } } }],
    ['the description', { description: 'Another.' }],
    ['the description of a rule', { rules: [rule('a', { description: 'Another.' }), rule('b'), rule('c')] }],
    ['the tests', { tests: [{ name: 'x' } as never] }],
  ])('is policyText with %s', (_what, given) => {
    expect(policyChangeOf(policy, next(given))).toBe('policyText');
  });

  it.each<[string, Partial<PromptPolicy>]>([
    ['a rule more', { rules: [...policy.rules, rule('d')] }],
    ['a rule less', { rules: policy.rules.slice(1) }],
    ['another order of rules', { rules: policy.rules.toReversed() }],
    ['another marker', { rules: [rule('a', { action: { does: 'redact', marker: '' } }), rule('b'), rule('c')] }],
    ['another mode', { rules: [rule('a', { mode: 'shadow' }), rule('b'), rule('c')] }],
    ['the value of a variable', { variables: [{ ...policy.variables[0]!, default: '999' }] }],
    ['another disclaimer', { disclaimer: 'stop' }],
    ['another end', { expires: '2027-01-01T00:00:00Z' }],
    ['a parameter', { parameters: [{ kind: 'locked', field: 'seed' }] }],
    ['a language', { languages: ['en', 'fr'] }],
    ['another id', { id: 'other' }],
    ['texts and rules', { systemPrompt: 'Three.', clientSystem: 'refuse' }],
  ])('is policyRule with %s', (_what, given) => {
    expect(policyChangeOf(policy, next(given))).toBe('policyRule');
  });
});

describe('two policies side by side', () => {
  it('show texts line by line, rules field by field, and everything else', () => {
    const to = next({
      systemPrompt: 'One.\nThree.',
      expires: '2027-01-01T00:00:00Z',
      rules: [
        rule('b', { match: { kind: 'regex', pattern: 'b+', ignoreCase: false }, mode: 'shadow' }),
        rule('a'),
        rule('d'),
      ],
    });
    expect(diffPolicies(policy, to)).toEqual({
      from: { id: 'plain', revision: 1 },
      to: { id: 'plain', revision: 2 },
      change: 'policyRule',
      texts: [
        {
          where: 'systemPrompt',
          lines: [
            { kind: 'same', text: 'One.' },
            { kind: 'removed', text: 'Two.' },
            { kind: 'added', text: 'Three.' },
          ],
        },
      ],
      rules: [
        {
          rule: 'b',
          kind: 'changed',
          fields: [
            { field: 'match.pattern', from: '"a"', to: '"b+"' },
            { field: 'mode', from: '"enforce"', to: '"shadow"' },
            { field: 'position', from: '2', to: '1' },
          ],
        },
        { rule: 'a', kind: 'moved', fields: [{ field: 'position', from: '1', to: '2' }] },
        { rule: 'd', kind: 'added', fields: expect.arrayContaining([{ field: 'mode', from: null, to: '"enforce"' }]) },
        {
          rule: 'c',
          kind: 'removed',
          fields: expect.arrayContaining([{ field: 'mode', from: '"enforce"', to: null }]),
        },
      ],
      fields: [{ field: 'expires', from: 'null', to: '"2027-01-01T00:00:00Z"' }],
      tests: { added: 0, removed: 0 },
    });
  });

  it('are empty where nothing but the revision differs, and only then', () => {
    const same = diffPolicies(policy, next({}));
    expect(same).toMatchObject({ change: null, texts: [], rules: [], fields: [], tests: { added: 0, removed: 0 } });
  });
});
