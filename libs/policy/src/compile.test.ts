import { describe, expect, it } from 'vitest';
import { compilePolicy } from './compile.ts';
import { type CompiledPolicy, type InputDecision, NO_SITE_TERMS, type PolicyTurn, type SiteTerms } from './model.ts';
import { policyOf, regex, ruleOf } from './testing.ts';

const now = (): number => 0;

const ready = (policy: ReturnType<typeof policyOf>, terms: SiteTerms = NO_SITE_TERMS): CompiledPolicy => {
  const compiling = compilePolicy(policy, terms);
  if (compiling.kind === 'refused') throw new Error(JSON.stringify(compiling.findings));
  return compiling.compiled;
};
const ask = (policy: CompiledPolicy, turns: readonly PolicyTurn[], language: string | null = null): InputDecision =>
  policy.applyInput({ turns, language, today: '2026-03-01' }, now);
const user = (text: string): PolicyTurn => ({ role: 'user', text });
const go = (policy: CompiledPolicy, text = 'Hello', language: string | null = null) => {
  const decision = ask(policy, [user(text)], language);
  if (decision.kind !== 'go') throw new Error('blocked');
  return decision;
};
const codes = (policy: ReturnType<typeof policyOf>, terms: SiteTerms = NO_SITE_TERMS): string[] => {
  const compiling = compilePolicy(policy, terms);
  return compiling.kind === 'ok' ? [] : compiling.findings.map(({ code, where }) => `${code} ${where}`);
};

describe('the rules of the input', () => {
  it('see every turn, and change what the model is asked', () => {
    const policy = ready(policyOf([ruleOf('ward', regex('ward \\d+'), { stage: 'input' })]));
    const decision = ask(policy, [user('I am on Ward 12.'), { role: 'assistant', text: 'On ward 12?' }, user('Yes')]);
    expect(decision).toMatchObject({
      kind: 'go',
      turns: [user('I am on […].'), { role: 'assistant', text: 'On […]?' }, user('Yes')],
      hits: [{ rule: 'ward', stage: 'input', does: 'redact', mode: 'enforce', count: 2 }],
    });
  });

  it('let a text without a hit through byte for byte', () => {
    const policy = ready(policyOf([ruleOf('ward', regex('ward \\d+'), { stage: 'input' })]));
    const text = '5 ㎎ о\u200Bf µg ﬁve e\u0301 \uD800';
    expect(ask(policy, [user(text)])).toMatchObject({ turns: [user(text)], hits: [] });
  });

  it.each(['wаrd 12', 'w\u200Bard\u00A012', 'ｗａｒｄ １２'])('read %j as a reader would', (text) => {
    const policy = ready(policyOf([ruleOf('ward', regex('ward \\d+'), { stage: 'input' })]));
    expect(ask(policy, [user(`on ${text}.`)])).toMatchObject({ turns: [user('on […].')] });
  });

  it('never suppress an escalation, not by a block either', () => {
    const policy = ready(
      policyOf([
        ruleOf('bomb', regex('bomb'), { stage: 'input', action: { does: 'block', text: 'refusal' } }),
        ruleOf(
          'heart',
          { kind: 'topic', phrases: { en: ['chest pain'], de: ['Brustschmerzen'] } },
          { stage: 'input', action: { does: 'escalate', text: 'emergency' } },
        ),
      ]),
      { recordNumber: null, variables: { emergencyNumber: '144' } },
    );
    expect(ask(policy, [user('CHEST  pain from a bomb')])).toMatchObject({
      kind: 'blocked',
      text: 'Call 144 now.\n\nI cannot help with that.',
      body: 'I cannot help with that.',
      hits: [{ rule: 'bomb' }, { rule: 'heart' }],
    });
    expect(ask(policy, [user('Brustschmerzen')], 'de-CH')).toMatchObject({
      kind: 'go',
      language: 'de',
      notices: [{ kind: 'escalation', rule: 'heart', text: 'Rufen Sie jetzt 144 an.' }],
    });
  });

  it('change nothing in shadow, and are not asked on a request’s way', () => {
    const policy = ready(
      policyOf([
        ruleOf('bomb', regex('bomb'), { stage: 'input', mode: 'shadow', action: { does: 'block', text: 'refusal' } }),
      ]),
    );
    const decision = go(policy, 'bomb, bomb');
    expect(decision).toMatchObject({ turns: [user('bomb, bomb')], hits: [] });
    expect(policy.applyReply(decision, 'x', 'stop', now).action).toBe('none');
  });
});

describe('the rules of the output', () => {
  const reply = (rules: Parameters<typeof policyOf>[0], text: string, given: Parameters<typeof policyOf>[1] = {}) => {
    const policy = ready(policyOf(rules, given));
    return policy.applyReply(go(policy), text, 'stop', now);
  };

  it('hide what either of two overlapping matches would have hidden, with one marker', () => {
    const rules = [
      ruleOf('first', regex('abc'), { action: { does: 'redact', marker: '1' } }),
      ruleOf('second', regex('bcde'), { action: { does: 'redact', marker: '2' } }),
      ruleOf('third', regex('e'), { action: { does: 'replace', replacement: '3' } }),
    ];
    expect(reply(rules, 'xabcdey e')).toMatchObject({
      text: 'x1y 3',
      hits: [{ rule: 'first' }, { rule: 'second' }, { rule: 'third', count: 2 }],
      action: 'redact',
    });
  });

  it('match the text itself, never what another rule put there', () => {
    const rules = [
      ruleOf('one', regex('a'), { action: { does: 'replace', replacement: 'b' } }),
      ruleOf('two', regex('b'), { action: { does: 'replace', replacement: 'a' } }),
    ];
    expect(reply(rules, 'ab').text).toBe('ba');
  });

  it('block with a text as the whole reply, and say that a filter did', () => {
    const rules = [ruleOf('bomb', regex('bomb'), { action: { does: 'block', text: 'refusal' } })];
    expect(reply(rules, 'A bomb.', { disclaimer: 'disclaimer' })).toEqual({
      text: 'I cannot help with that.',
      body: 'I cannot help with that.',
      finishReason: 'contentFilter',
      action: 'block',
      beside: [],
      hits: [{ rule: 'bomb', stage: 'output', does: 'block', mode: 'enforce', count: 1 }],
    });
  });

  it('put escalations before the reply and the disclaimer after it, where notices stand in the text', () => {
    const rules = [ruleOf('heart', regex('heart'), { action: { does: 'escalate', text: 'emergency' } })];
    expect(reply(rules, 'Your heart.', { disclaimer: 'disclaimer' })).toMatchObject({
      text: 'Call 112 now.\n\nYour heart.\n\nThis is not medical advice.',
      body: 'Your heart.',
      action: 'escalate',
    });
  });

  it('put notices in a field without touching the rest, and beside a reply that has no fields', () => {
    const given = { disclaimer: 'disclaimer', notices: { place: 'field' as const, field: 'note' } };
    expect(reply([], '{"dose": 1.50, "note": "x", "of": {"note": 1}}', given)).toMatchObject({
      text: '{"dose": 1.50, "note": "This is not medical advice.", "of": {"note": 1}}',
      beside: [],
    });
    expect(reply([], '{ }', given).text).toBe('{ "note":"This is not medical advice."}');
    expect(reply([], 'no', given)).toMatchObject({ text: 'no', beside: [{ kind: 'disclaimer' }] });
  });

  it('end a reply that is too long at a sentence', () => {
    const rules = [ruleOf('long', { kind: 'length', most: 40 }, { action: { does: 'redact', marker: ' …' } })];
    expect(reply(rules, 'Take 5 mg daily. Ask Dr. Lee about the rest of it, please.')).toMatchObject({
      text: 'Take 5 mg daily. …',
      finishReason: 'length',
      action: 'redact',
    });
  });
});

describe('a policy that cannot be made ready', () => {
  it.each([
    ['(', 'patternInvalid'],
    ['(?<=a)b', 'patternInvalid'],
    ['a*', 'patternMatchesEmpty'],
    ['\\b', 'patternMatchesEmpty'],
    ['((a{10}){10}){11}', 'patternTooLarge'],
    ['[a-z]{0,999}b{0,999}', 'patternTooLarge'],
    ['(a?){1000}{1000}', 'patternTooLarge'],
  ])('is refused for the pattern %s (%s)', (pattern, code) => {
    expect(codes(policyOf([ruleOf('it', regex(pattern))]))).toEqual([`${code} rules[0].match.pattern`]);
  });

  it('is refused for a text that it names and has not in each language', () => {
    const rule = ruleOf('it', regex('a'), { action: { does: 'block', text: 'refusal' } });
    expect(codes(policyOf([rule], { texts: { refusal: { en: 'No.' } } }))).toEqual([
      'textMissing rules[0].action.text',
    ]);
  });

  it('is refused before 500 dear patterns have been made', () => {
    const rules = Array.from({ length: 500 }, (_, at) => ruleOf(`r${at}`, regex('[a-h ]{0,400}x')));
    expect(codes(policyOf(rules))).toEqual([expect.stringContaining('patternTooLarge')]);
  });
});
