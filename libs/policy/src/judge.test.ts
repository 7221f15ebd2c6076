import type { PolicyRule } from '@openward/contracts';
import { describe, expect, it } from 'vitest';
import { compilePolicy } from './compile.ts';
import { enforcedOf, judge } from './judge.ts';
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

  const find = (at: number, act: () => Span[], does: PolicyRule['action']): ReadyRule => {
    const rule = ruleOf(`r${at}`, heart, { action: does });
    return { kind: 'finder', rule, order: at, finder: { longest: 9, before: 0, after: 0, find: act } };
  };
  const hit = (): Span[] => [{ start: 0, end: 1 }];
  const breaks = (): never => {
    throw new TypeError('broken on purpose');
  };
  const judged = (rules: readonly ReadyRule[], texts: readonly string[], now: Monotonic) => {
    const { matched, failure } = judge(enforcedOf(rules), texts, { today: '', language: 'en' }, now);
    return { ids: matched.map((found) => found.map(({ ready: { rule } }) => rule.id)), failure };
  };

  it('is found where another red flag breaks, and a rule that is no flag then finds nothing', () => {
    const rules = [
      find(0, hit, { does: 'annotate' }),
      find(1, breaks, escalates),
      find(2, hit, escalates),
      find(3, breaks, escalates),
    ];
    const { ids, failure } = judged(rules, ['a', 'b'], still);
    expect(ids).toEqual([['r2'], ['r2']]);
    expect(failure).toMatchObject({ rule: 'r1', cause: { message: 'broken on purpose' } });
  });

  it('is found behind another red flag that takes all the time that it can get, in each turn', () => {
    let time = 0;
    const takesLong = (): Span[] => ((time += 5_000), hit());
    const rules = [find(0, takesLong, escalates), find(1, hit, escalates)];
    const { ids, failure } = judged(rules, ['a', 'b'], () => time);
    expect(ids).toEqual([['r1'], ['r1']]);
    expect(failure?.rule).toBe('r0');
    // Two turns, and one more look at each.
    expect(time).toBe(20_000);
  });

  it('is found where the machine stood still in the middle of it, and nothing fails', () => {
    let time = 0;
    const pauses = [0, 60_000];
    const paused = (): Span[] => ((time += pauses.pop() ?? 0), hit());
    const rules = [find(0, paused, escalates), find(1, hit, escalates), find(2, hit, { does: 'annotate' })];
    expect(judged(rules, ['a'], () => time)).toEqual({ ids: [['r1', 'r0', 'r2']], failure: null });
    expect(pauses).toEqual([]);
  });

  it('takes no time of the rules that are no flags, and they none of its own', () => {
    let time = 0;
    const takes = (ms: number) => (): Span[] => ((time += ms), hit());
    const rules = [find(0, takes(900), { does: 'annotate' }), find(1, takes(900), escalates)];
    expect(judged(rules, ['a'], () => time)).toEqual({ ids: [['r1', 'r0']], failure: null });
  });

  it('is told of every turn, whenever the machine stands still', () => {
    const policy = ready([
      ruleOf('heart', heart, { stage: 'input', action: escalates }),
      ruleOf('birth', slow, { stage: 'input' }),
    ]);
    const asked = turns.toReversed();
    const ask = (now: Monotonic) => policy.applyInput({ turns: asked, language: 'en', today: '2026-03-01' }, now);
    const pausedAfter = (readings: number): Monotonic => {
      let read = 0;
      return () => ((read += 1) <= readings ? 0 : 60_000);
    };
    const told = Array.from({ length: 20 }, (_, readings) => {
      try {
        return ask(pausedAfter(readings)).hits;
      } catch (error) {
        if (error instanceof PolicyFailure) return error.found?.hits;
        throw error;
      }
    });
    for (const hits of told) expect(hits?.map(({ rule }) => rule)).toContain('heart');
  });
});

describe('what is done once for all rules', () => {
  /** Goes on by so much, each time that it is read. */
  const ticking = (ms: number): Monotonic => {
    let time = 0;
    return () => (time += ms);
  };

  it('counts against their time, and fails by the name of the first', () => {
    const policy = ready([ruleOf('ward', regex('ward'), { stage: 'input' })]);
    const failure = failureOf(() =>
      policy.applyInput({ turns: [{ role: 'user', text: 'nothing' }], language: 'en', today: '' }, ticking(1_001)),
    );
    expect(failure.rule).toBe('ward');
  });

  it('has one second for a piece of a stream, as reading and searching it have together', () => {
    const policy = ready([ruleOf('ward', regex('ward'))]);
    const input = { kind: 'go', turns: [], language: 'en', today: '', notices: [], hits: [] } as const;
    const push = (ms: number) => policy.openReply(input, ticking(ms)).push('nothing of it');
    expect(failureOf(() => push(501)).rule).toBe('ward');
    expect(push(200)).not.toBe('');
  });
});
