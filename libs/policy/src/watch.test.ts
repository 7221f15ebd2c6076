import { describe, expect, it } from 'vitest';
import { compilePolicy } from './compile.ts';
import { type CompiledPolicy, type Monotonic, NO_SITE_TERMS, type WatchedTexts } from './model.ts';
import { policyOf, regex, ruleOf } from './testing.ts';
import { MOST_WATCHED } from './watch.ts';

const ready = (rules: Parameters<typeof policyOf>[0]): CompiledPolicy => {
  const compiling = compilePolicy(policyOf(rules), NO_SITE_TERMS);
  if (compiling.kind === 'refused') throw new Error(JSON.stringify(compiling.findings));
  return compiling.compiled;
};
const texts = (
  whose: WatchedTexts['whose'],
  stage: WatchedTexts['stage'],
  ...said: readonly string[]
): WatchedTexts => ({ whose, stage, texts: said, language: null, today: '2026-03-01' });
const still: Monotonic = () => 0;
/** A clock that goes on by so much each time that it is read. */
const ticking = (step: number): Monotonic => {
  let time = 0;
  return () => (time += step);
};

const refuses = { does: 'block', text: 'refusal' } as const;
const policy = ready([
  ruleOf('bomb', regex('bomb'), { stage: 'input', action: refuses }),
  ruleOf('ward', regex('ward'), { stage: 'input', mode: 'shadow' }),
  ruleOf('any', regex('^.+$'), { mode: 'shadow', action: refuses }),
  ruleOf('long', { kind: 'length', most: 3 }, { mode: 'shadow', action: { does: 'annotate' } }),
]);

describe('rules that are watched', () => {
  it('are those in shadow, or before a policy serves every one, over all texts', () => {
    const counted = (given: WatchedTexts) =>
      policy.watch(given, still)?.hits.map(({ rule, mode, count }) => `${rule} ${mode} ${count}`);
    expect(counted(texts('shadow', 'input', 'ward, bomb', 'ward'))).toEqual(['ward shadow 2']);
    expect(counted(texts('all', 'input', 'ward, bomb', 'ward'))).toEqual(['bomb enforce 1', 'ward shadow 2']);
    expect(counted(texts('shadow', 'output', 'Hello'))).toEqual(['any shadow 1', 'long shadow 1']);
  });

  it('are none where the policy has none, and where a text is too long: it is never read in part', () => {
    expect(ready([ruleOf('ward', regex('ward'))]).watch(texts('shadow', 'output', 'ward'), still)).toBeNull();
    const schema = ready([
      ruleOf('form', { kind: 'schema', schema: { type: 'object' } }, { mode: 'shadow', action: refuses }),
    ]);
    const json = JSON.stringify({ text: 'x'.repeat(MOST_WATCHED) });
    expect(schema.watch(texts('shadow', 'output', json), still)).toBeNull();
    expect(schema.watch(texts('shadow', 'output', '{}'), still)).toEqual({ hits: [], failed: [] });
  });

  it('have little time, and those that are not done in it are told as failed', () => {
    const many = ready([
      ruleOf('first', regex('a'), { mode: 'shadow', timeLimitMs: 1_000 }),
      ruleOf('second', { kind: 'length', most: 1 }, { mode: 'shadow', timeLimitMs: 1_000 }),
    ]);
    expect(many.watch(texts('shadow', 'output', 'aa'), ticking(5))).toMatchObject({ failed: ['second'] });
    expect(many.watch(texts('shadow', 'output', 'aa'), ticking(50))).toEqual({ hits: [], failed: ['first', 'second'] });
  });
});
