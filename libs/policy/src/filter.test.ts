import { describe, expect, it } from 'vitest';
import { compilePolicy } from './compile.ts';
import { type InputDecision, type Monotonic, NO_SITE_TERMS, PolicyFailure } from './model.ts';
import { policyOf, regex, ruleOf } from './testing.ts';

type Policy = ReturnType<typeof policyOf>;
const still: Monotonic = () => 0;

function opened(policy: Policy, text = 'Hello', now = still) {
  const compiling = compilePolicy(policy, NO_SITE_TERMS);
  if (compiling.kind === 'refused') throw new Error(JSON.stringify(compiling.findings));
  const { compiled } = compiling;
  const input = compiled.applyInput({ turns: [{ role: 'user', text }], language: null, today: '2026-03-01' }, still);
  if (input.kind !== 'go') throw new Error('blocked');
  const go: InputDecision & { kind: 'go' } = input;
  return { compiled, go, filter: compiled.openReply(go, now) };
}

const heart = ruleOf('heart', regex('heart'), { stage: 'input', action: { does: 'escalate', text: 'emergency' } });
const ward = ruleOf('ward', regex('ward \\d{1,3}\\b'));

describe('a reply that is streamed', () => {
  it('opens with the escalations of the request and ends with the disclaimer', () => {
    const { compiled, filter, go } = opened(policyOf([heart], { disclaimer: 'disclaimer' }), 'My heart');
    expect(compiled.stream).toEqual({ kind: 'pass' });
    expect(filter.push('')).toBe('Call 112 now.\n\n');
    expect(filter.push('Sit ')).toBe('Sit ');
    expect(filter.push('down.')).toBe('down.');
    expect(filter.end('length')).toEqual({
      text: '\n\nThis is not medical advice.',
      finishReason: 'length',
      hits: [],
      action: 'escalate',
      beside: [],
    });
    expect(compiled.applyReply(go, 'Sit down.', 'stop', still).text).toBe(
      'Call 112 now.\n\nSit down.\n\nThis is not medical advice.',
    );
  });

  it('says before its first byte what stands beside it', () => {
    const given = { disclaimer: 'disclaimer', notices: { place: 'header' as const } };
    const { filter } = opened(policyOf([heart, ward], given), 'My heart');
    const beside = [
      { kind: 'escalation', rule: 'heart', text: 'Call 112 now.' },
      { kind: 'disclaimer', rule: null, text: 'This is not medical advice.' },
    ];
    expect(filter.beside).toEqual(beside);
    expect(filter.push('Sit down.')).toBe('S');
    expect(filter.end('stop')).toMatchObject({ text: 'it down.', beside });
  });

  it('gives what is further from its end than a match is long, and hides a match that comes in pieces', () => {
    const { compiled, filter } = opened(policyOf([ward]));
    expect(compiled.stream).toEqual({ kind: 'window', heldBack: 9 });
    const given = ['Go to ', 'wa', 'rd 1', '2', ' now', ', then come back here.'].map((piece) => filter.push(piece));
    expect(given.join('')).toBe('Go to […] now, then come ba');
    expect(filter.end('stop')).toMatchObject({
      text: 'ck here.',
      action: 'redact',
      hits: [{ rule: 'ward', count: 1, does: 'redact', mode: 'enforce', stage: 'output' }],
    });
  });

  it('is not held back by a rule in shadow, of whatever kind', () => {
    const shadow = [
      ruleOf('any', regex('^.+$'), { mode: 'shadow', action: { does: 'block', text: 'refusal' } }),
      ruleOf('long', { kind: 'length', most: 3 }, { mode: 'shadow' }),
    ];
    const { compiled, filter, go } = opened(policyOf(shadow));
    expect(compiled.stream).toEqual({ kind: 'pass' });
    expect(filter.push('Hello')).toBe('Hello');
    const end = filter.end('stop');
    expect(end).toMatchObject({ text: '', action: 'none', finishReason: 'stop', hits: [] });
    expect(compiled.applyReply(go, 'Hello', 'stop', still)).toMatchObject({ text: 'Hello', hits: [] });
  });
});

describe('a rule that takes too long', () => {
  /** A clock that goes on by so much each time that it is read. */
  const ticking = (step: number): Monotonic => {
    let time = 0;
    return () => (time += step);
  };

  it('fails closed, and by its name', () => {
    const slow = { ...ward, timeLimitMs: 10 };
    for (const policy of [
      policyOf([slow]),
      policyOf([slow, ruleOf('b', regex('b'), { action: { does: 'annotate' } })]),
    ]) {
      const { filter } = opened(policy, 'Hello', ticking(20));
      expect(() => {
        filter.push('ward 12 is where you go, and then wait.');
        filter.end('stop');
      }).toThrow(PolicyFailure);
    }
  });

  it('changes nothing in shadow', () => {
    const { compiled, go } = opened(policyOf([{ ...ward, mode: 'shadow', timeLimitMs: 10 }]));
    expect(compiled.applyReply(go, 'ward 12', 'stop', ticking(20))).toMatchObject({ text: 'ward 12', hits: [] });
  });

  it('is asked again where something else may have kept the process from running', () => {
    const { compiled, go } = opened(policyOf([{ ...ward, timeLimitMs: 10 }]));
    let reads = 0;
    const once: Monotonic = () => ((reads += 1) < 4 ? 0 : 500);
    expect(compiled.applyReply(go, 'ward 12', 'stop', once).text).toBe('[…]');
  });

  it('shares a second with all others', () => {
    const many = Array.from({ length: 40 }, (_, at) =>
      ruleOf(`r${at}`, { kind: 'topic', phrases: { en: [`word ${at}`] } }),
    );
    const { compiled, go } = opened(policyOf(many));
    expect(() => compiled.applyReply(go, 'word', 'stop', ticking(20))).toThrow(PolicyFailure);
    expect(compiled.applyReply(go, 'word', 'stop', ticking(5)).text).toBe('word');
  });
});
