import { describe, expect, it } from 'vitest';
import { policyOf, ruleOf, testOf } from './check.fixture.ts';
import { NO_SITE_TERMS } from './model.ts';
import { runPolicyTests } from './run-tests.ts';

const differs = (policy: ReturnType<typeof policyOf>, terms = NO_SITE_TERMS) =>
  runPolicyTests(policy, terms).map((it) => it.differs);

describe('the tests of a policy', () => {
  it('pass where action, rules, text and what is asked are as they should be, whole and in pieces', () => {
    expect(runPolicyTests(policyOf(), NO_SITE_TERMS)).toEqual([
      { name: 'a code', rule: 'codes', language: 'en', positive: true, differs: [] },
      { name: 'no code', rule: 'codes', language: 'en', positive: false, differs: [] },
    ]);
  });

  it('fail with both, for each thing that is another', () => {
    const test = testOf({ expect: { action: 'none', rules: [], text: 'In W-123 now.', asked: 'What?' } });
    expect(differs(policyOf({ tests: [test] }))).toEqual([
      [
        { about: 'action', expected: 'none', actual: 'redact' },
        { about: 'rules', expected: '(none)', actual: 'codes' },
        { about: 'text', expected: 'In W-123 now.', actual: 'In [code] now.' },
        { about: 'asked', expected: 'What?', actual: 'Where?' },
      ],
    ]);
  });

  it('name rules in the order of the policy, those in shadow too, and count no action of a shadow', () => {
    const shadow = ruleOf({ id: 'first', mode: 'shadow' });
    const tests = [
      testOf({ expect: { rules: ['first', 'codes'] } }),
      testOf({ expect: { rules: ['codes', 'first'] } }),
    ];
    expect(differs(policyOf({ rules: [shadow, ruleOf()], tests }))).toEqual([
      [],
      [{ about: 'rules', expected: 'codes, first', actual: 'first, codes' }],
    ]);
    const alone = testOf({ expect: { action: 'none', text: 'In W-123 now.' } });
    expect(differs(policyOf({ rules: [ruleOf({ mode: 'shadow' })], tests: [alone] }))).toEqual([[]]);
  });

  it('see the request as the gateway reads it: a system message of the client opens the turn, or is refused', () => {
    const test = testOf({
      messages: [
        { role: 'system', content: 'Obey.' },
        { role: 'user', content: 'Where?' },
      ],
      expect: { asked: 'Obey.\nWhere?' },
    });
    expect(differs(policyOf({ tests: [test] }))).toEqual([[]]);
    const refused = { ...test, expect: { action: 'refused' as const, rules: [], text: '', asked: null } };
    const given = differs(policyOf({ tests: [test, refused], clientSystem: 'refuse' }));
    expect(given[0]?.[0]).toEqual({ about: 'action', expected: 'redact', actual: 'refused' });
    expect(given[1]).toEqual([]);
    expect(differs(policyOf({ tests: [refused] }))[0]?.[0]).toMatchObject({ expected: 'refused', actual: 'redact' });
  });

  it('see no control character: it is stripped first, or refuses the request', () => {
    const test = testOf({ messages: [{ role: 'user', content: 'Whe\u0007re?' }] });
    expect(differs(policyOf({ tests: [test], controlCharacters: 'strip' }))).toEqual([[]]);
    const refused = { ...test, expect: { action: 'refused' as const, rules: [], text: '', asked: null } };
    const given = differs(policyOf({ tests: [test, refused] }));
    expect(given[0]?.[0]).toMatchObject({ about: 'action', actual: 'refused' });
    expect(given[1]).toEqual([]);
  });

  it('of a blocked request ask no model', () => {
    const policy = policyOf({
      rules: [ruleOf({ stage: 'input', action: { does: 'block', text: 'no' } })],
      texts: { no: { en: 'Not here: {{number}}.' } },
      variables: [{ name: 'number', description: 'To call.', default: '112', setBySite: true }],
      tests: [null, 'Is it W-123?'].map((asked) =>
        testOf({
          messages: [{ role: 'user', content: 'Is it W-123?' }],
          expect: { action: 'block', text: 'Not here: 112.', asked },
        }),
      ),
    });
    const asked = { about: 'asked', expected: 'Is it W-123?', actual: '(the model is not asked)' };
    expect(differs(policy)).toEqual([[], [asked]]);
    // The number of a site fails no test of the policy.
    expect(differs(policy, { recordNumber: null, variables: { number: '999' } })).toEqual([[], [asked]]);
  });

  it('run with the pattern of the site: one that hits what the policy must leave alone fails there', () => {
    const rule = ruleOf({
      stage: 'input',
      match: { kind: 'identifier', identifier: 'recordNumber' },
      action: { does: 'redact', marker: '[number]' },
    });
    const test = testOf({
      messages: [{ role: 'user', content: 'Give 500 mg.' }],
      expect: { action: 'none', rules: [], text: 'In W-123 now.', asked: 'Give 500 mg.' },
    });
    const policy = policyOf({ rules: [rule], tests: [test] });
    expect(differs(policy)).toEqual([[]]);
    expect(differs(policy, { recordNumber: 'MRN[0-9]{6}', variables: {} })).toEqual([[]]);
    const [result] = differs(policy, { recordNumber: '[0-9]{3}', variables: {} });
    expect(result).toContainEqual({ about: 'asked', expected: 'Give 500 mg.', actual: 'Give [number] mg.' });
  });

  it('all fail where the policy does not compile with the terms of the site', () => {
    const rule = ruleOf({ match: { kind: 'identifier', identifier: 'recordNumber' } });
    const results = differs(policyOf({ rules: [rule] }), { recordNumber: '(', variables: {} });
    expect(results).toMatchObject([[{ about: 'failure' }], [{ about: 'failure' }]]);
  });

  it('fail, those that are left too, where all together take longer than they may', () => {
    let now = 0;
    const slow = (step: number): string[] =>
      runPolicyTests(policyOf(), NO_SITE_TERMS, () => (now += step)).map(({ differs: [first] }) => first?.actual ?? '');
    expect(slow(1)).toEqual(['', '']);
    expect(slow(1_000)).toEqual(['longer', 'longer']);
  });

  it('fail where a rule takes far longer than its limit, and name it', () => {
    let now = 0;
    const [first] = runPolicyTests(
      policyOf({ rules: [ruleOf({ timeLimitMs: 5 })] }),
      NO_SITE_TERMS,
      () => (now += 101),
    );
    expect(first?.differs).toEqual([
      { about: 'time', of: 'codes', expected: 'codes within 20 times its limit', actual: 'longer, twice' },
    ]);
  });

  it('do not fail by the time limit of a rule: a busy machine is no fault of the policy', () => {
    let now = 0;
    const results = runPolicyTests(policyOf({ rules: [ruleOf({ timeLimitMs: 5 })] }), NO_SITE_TERMS, () => (now += 6));
    expect(results.map((it) => it.differs)).toEqual([[], []]);
  });
});
