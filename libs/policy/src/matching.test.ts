import type { PolicyRule } from '@openward/contracts';
import { describe, expect, it } from 'vitest';
import { compilePolicy } from './compile.ts';
import { enforcedOf, judge } from './matching.ts';
import { type CompiledPolicy, type Monotonic, NO_SITE_TERMS, PolicyFailure, type Span } from './model.ts';
import type { ReadyRule } from './rules.ts';
import { policyOf, regex, ruleOf } from './testing.ts';

const ready = (rules: Parameters<typeof policyOf>[0]): CompiledPolicy => {
  const compiling = compilePolicy(policyOf(rules), NO_SITE_TERMS);
  if (compiling.kind === 'refused') throw new Error(JSON.stringify(compiling.findings));
  return compiling.compiled;
};
const still: Monotonic = () => 0;
/** Stands still for so many readings, and goes on by much after. */
const stillFor = (readings: number): Monotonic => {
  let [read, time] = [0, 0];
  return () => ((read += 1) <= readings ? 0 : (time += 600));
};
const failureOf = (act: () => unknown): PolicyFailure => {
  try {
    act();
  } catch (error) {
    if (error instanceof PolicyFailure) return error;
    throw error;
  }
  throw new Error('nothing failed');
};

const escalates = { does: 'escalate', text: 'emergency' } as const;
const topic = (phrase: string): PolicyRule['match'] => ({ kind: 'topic', phrases: { en: [phrase] } });
const heart = topic('chest pain');
const slow = topic('slow');
const turns = [
  { role: 'user', text: 'slow' },
  { role: 'user', text: 'chest pain' },
] as const;

describe('a red flag', () => {
  it('is told where a rule that stands before it cannot be applied', () => {
    const policy = ready([
      ruleOf('birth', slow, { stage: 'input', timeLimitMs: 10 }),
      ruleOf('heart', heart, { stage: 'input', action: escalates }),
    ]);
    const ask = (now: Monotonic) => policy.applyInput({ turns, language: 'en', today: '2026-03-01' }, now);
    let applied = 0;
    while (true) {
      const now = stillFor((applied += 1));
      try {
        ask(now);
        break;
      } catch (error) {
        if (!(error instanceof PolicyFailure)) throw error;
      }
    }
    // The last reading but those of the rule that stands first and is asked last.
    const failure = failureOf(() => ask(stillFor(applied - 2)));
    expect(failure.rule).toBe('birth');
    expect(failure.found).toMatchObject({ language: 'en', notices: [{ rule: 'heart' }], hits: [{ rule: 'heart' }] });
  });

  it('is found where another red flag breaks, and a rule that is no flag then finds nothing', () => {
    const find = (at: number, act: () => Span[], does: PolicyRule['action']): ReadyRule => {
      const rule = ruleOf(`r${at}`, heart, { action: does });
      return { kind: 'finder', rule, order: at, finder: { longest: 9, before: 0, after: 0, find: act } };
    };
    const hit = (): Span[] => [{ start: 0, end: 1 }];
    const breaks = (): never => {
      throw new TypeError('broken on purpose');
    };
    const rules = [
      find(0, hit, { does: 'annotate' }),
      find(1, breaks, escalates),
      find(2, hit, escalates),
      find(3, breaks, escalates),
    ];
    const { matched, failure } = judge(enforcedOf(rules), ['a', 'b'], { today: '', language: 'en' }, still);
    expect(matched.map((found) => found.map(({ ready: { rule } }) => rule.id))).toEqual([['r2'], ['r2']]);
    expect(failure).toMatchObject({ rule: 'r1', cause: { message: 'broken on purpose' } });
  });
});

describe('what is done once for all rules', () => {
  it('counts against their time, and fails by the name of the first', () => {
    const policy = ready([ruleOf('ward', regex('ward'), { stage: 'input', timeLimitMs: 1_000 })]);
    const failure = failureOf(() =>
      policy.applyInput({ turns: [{ role: 'user', text: 'nothing' }], language: 'en', today: '' }, stillFor(1)),
    );
    expect(failure.rule).toBe('ward');
  });
});
