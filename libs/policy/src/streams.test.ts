import { IdentifierKind, type PolicyRule } from '@openward/contracts';
import { describe, expect, it } from 'vitest';
import { compilePolicy } from './compile.ts';
import type { StreamMode } from './model.ts';
import { starterPolicy } from './starter/index.ts';
import { checkStreams, generatedRules, TERMS } from './streams.fixture.ts';
import { policyOf, realisticRules, redact, regex, ruleOf } from './testing.ts';

const WAYS = 25;

const identifiers = IdentifierKind.options.map((identifier) =>
  ruleOf(identifier.toLowerCase(), { kind: 'identifier', identifier }),
);
const starter = starterPolicy();
const shipped = starter.rules.map((rule): PolicyRule => ({
  ...rule,
  stage: 'output',
  mode: 'enforce',
  action: rule.action.does === 'replace' ? rule.action : redact,
}));
/** Every rule that is shipped, made one of replies: what it finds is what counts here. */
const each = [...identifiers, ...shipped].filter(({ match }) => match.kind !== 'length' && match.kind !== 'schema');

const NUMBERS = [
  'card 4111 1111 1111 1111',
  '5555555555554444',
  'NHS number 943 476 5919',
  'SSN: 123-45-6789',
  'MRN-123456',
];
/** What the authors of a rule say that it finds. */
const samplesOf = (rule: PolicyRule): string[] => [
  ...NUMBERS,
  ...starter.tests
    .filter((test) => test.rule === rule.id)
    .flatMap((test) => [test.reply, ...test.messages.map(({ content }) => content)]),
];

const modeOf = (rules: readonly PolicyRule[]): StreamMode => {
  const compiling = compilePolicy(policyOf(rules), TERMS);
  if (compiling.kind === 'refused') throw new Error(JSON.stringify(compiling.findings));
  return compiling.compiled.stream;
};

describe('a reply in pieces becomes what it becomes whole, for any cut', { timeout: 120_000 }, () => {
  it.each(each.map((rule) => [rule.id, rule] as const))('under the rule %s', (_, rule) => {
    expect(modeOf([rule]).kind).toBe('window');
    const { repliesWithHits } = checkStreams({ rules: [rule], replies: 100, ways: WAYS, samples: samplesOf(rule) }, 2);
    expect(repliesWithHits).toBeGreaterThan(0);
  });

  it('under all that are shipped together, and under fifty', () => {
    const rules = each.map((rule, at) => ({ ...rule, id: `r${at}` }));
    checkStreams({ rules, replies: 150, ways: WAYS, samples: each.flatMap(samplesOf) }, 3);
    checkStreams({ rules: realisticRules(50, 'output'), replies: 50, ways: WAYS }, 4);
  });

  it('under rules that are generated', () => {
    let [pairs, withHits, replies] = [0, 0, 0];
    for (const [at, rules] of generatedRules(5, 450).entries()) {
      expect(modeOf(rules).kind).toBe('window');
      const held = checkStreams({ rules, replies: 10, ways: WAYS }, at);
      pairs += held.pairs;
      replies += 10;
      withHits += held.repliesWithHits;
    }
    expect(pairs).toBeGreaterThan(100_000);
    expect(withHits / replies).toBeGreaterThan(0.3);
  });
});

describe('a rule that cannot be windowed', () => {
  const long = { kind: 'length' as const, most: 100 };
  it.each<[string, PolicyRule, RegExp]>([
    ['no bound', ruleOf('it', regex('a+')), /any length/],
    ['a bound that is far', ruleOf('it', regex('.'.repeat(1_001))), /can have 2002 characters/],
    ['the start of the text', ruleOf('it', regex('^a')), /begins or ends/],
    ['the end of a line', ruleOf('it', regex('(?m)a$')), /begins or ends/],
    ['the end of the text', ruleOf('it', regex('a\\z')), /begins or ends/],
    ['a block', ruleOf('it', regex('a'), { action: { does: 'block', text: 'refusal' } }), /block/],
    ['a note', ruleOf('it', regex('a'), { action: { does: 'annotate' } }), /note/],
    [
      'an escalation',
      ruleOf('it', regex('a'), { action: { does: 'escalate', text: 'emergency' } }),
      /before the reply/,
    ],
    ['a length', ruleOf('it', long), /how long/],
    ['a schema', ruleOf('it', { kind: 'schema', schema: {} }, { action: { does: 'annotate' } }), /schema/],
  ])('holds the reply back whole: %s', (_, rule, why) => {
    const mode = modeOf([rule, ruleOf('other', regex('b'))]);
    expect(mode).toEqual({ kind: 'buffer', because: [{ rule: 'it', why: expect.stringMatching(why) as string }] });
  });

  it.each(['a+', '^a', 'a$'])('gives nothing before the end: %s', (pattern) => {
    const compiling = compilePolicy(policyOf([ruleOf('it', regex(pattern))]), TERMS);
    if (compiling.kind === 'refused') throw new Error('refused');
    const { compiled } = compiling;
    const input = compiled.applyInput({ turns: [], language: null, today: '2026-03-01' }, () => 0);
    if (input.kind !== 'go') throw new Error('blocked');
    const filter = compiled.openReply(input, () => 0);
    expect(filter.beside).toBeNull();
    expect(filter.push('x'.repeat(10_000))).toBe('');
    expect(filter.end('stop').text).toHaveLength(10_000);
  });

  it('does not hold back what it watches in shadow alone, nor what it sees of the input', () => {
    const rules = [ruleOf('it', regex('a+'), { mode: 'shadow' }), ruleOf('that', regex('^a'), { stage: 'input' })];
    expect(modeOf(rules)).toEqual({ kind: 'pass' });
    expect(modeOf([...rules, ruleOf('b', regex('\\bb{1,3}\\b'))])).toEqual({ kind: 'window', heldBack: 4 });
  });
});

describe('marks that rules do not read', () => {
  const compiled = () => {
    const compiling = compilePolicy(policyOf([ruleOf('it', regex('abc|café'))]), TERMS);
    if (compiling.kind === 'refused') throw new Error('refused');
    return compiling.compiled;
  };
  const open = () => {
    const input = compiled().applyInput({ turns: [], language: null, today: '2026-03-01' }, () => 0);
    if (input.kind !== 'go') throw new Error('blocked');
    return compiled().openReply(input, () => 0);
  };

  it('go with the letter before them, where it is hidden', () => {
    for (const text of ['a cafe\u0301 and', 'a CAFÉ and', 'a cafe\u0301\u0308 and', 'a cafe\uFE0F and']) {
      const filter = open();
      const out = Array.from(text, (point) => filter.push(point)).join('');
      expect(out + filter.end('stop').text).toBe('a […] and');
    }
  });

  it('wait in their thousands and are folded once each', () => {
    const filter = open();
    const asked = filter.push('xxxxa\u200Bb');
    const marks = '\u200B\u0301'.repeat(10);
    const before = process.cpuUsage();
    for (let at = 0; at < 20_000; at += 1) expect(filter.push(marks) === '').toBe(true);
    const { user } = process.cpuUsage(before);
    expect(asked + filter.push('cd') + filter.end('stop').text).toBe('xxxx[…]d');
    // Were all of them folded at each push, that would be four thousand million.
    expect(user).toBeLessThan(20_000_000);
  });
});
