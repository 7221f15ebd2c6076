import { describe, expect, it } from 'vitest';
import { compilePolicy } from './compile.ts';
import type { CompiledPolicy } from './model.ts';
import { starterPolicy } from './starter/index.ts';
import { NO_SITE_TERMS } from './model.ts';
import { warmUp } from './warm.ts';

const compiled = (): CompiledPolicy => {
  const made = compilePolicy(starterPolicy(), NO_SITE_TERMS);
  if (made.kind === 'refused') throw new Error('refused');
  return made.compiled;
};
const counted = (policy: CompiledPolicy, fails = false): { readonly policy: CompiledPolicy; asked: number } => {
  const all = {
    asked: 0,
    policy: {
      ...policy,
      applyInput: (...given: Parameters<CompiledPolicy['applyInput']>) => {
        all.asked += 1;
        if (fails) throw new Error('broken');
        return policy.applyInput(...given);
      },
    },
  };
  return all;
};

describe('warming a policy up', () => {
  it('puts each of its tests to it', () => {
    const one = counted(compiled());
    warmUp(one.policy, () => 0, 10);
    expect(one.asked).toBeGreaterThan(2 * starterPolicy().tests.length);
  });

  it('ends when its time is over, and goes on behind a rule that breaks', () => {
    const one = counted(compiled());
    let ms = 0;
    warmUp(one.policy, () => (ms += 4), 10);
    expect(one.asked).toBe(1);
    const other = counted(compiled(), true);
    warmUp(other.policy, () => 0, 10);
    expect(other.asked).toBeGreaterThan(1);
  });

  it('ends in the middle of a text too', () => {
    const policy = compiled();
    let [ms, pieces] = [0, 0];
    const slow: CompiledPolicy = {
      ...policy,
      openReply: (input, now) => {
        const filter = policy.openReply(input, now);
        const push = (piece: string): string => {
          pieces += 1;
          ms += 10;
          return filter.push(piece);
        };
        return { ...filter, push };
      },
    };
    warmUp(slow, () => ms, 25);
    expect(pieces).toBe(3);
  });

  it('leaves out texts of tests that are long', () => {
    const [test] = starterPolicy().tests;
    if (test === undefined) throw new Error('no test');
    const content = 'word '.repeat(1_000);
    const policy = compiled();
    const read: string[] = [];
    const listening: CompiledPolicy = {
      ...policy,
      policy: { ...policy.policy, tests: [{ ...test, messages: [{ role: 'user', content }], reply: 'short' }] },
      applyInput: (request, now) => {
        read.push(...request.turns.map(({ text }) => text));
        return policy.applyInput(request, now);
      },
    };
    warmUp(listening, () => 0, 10);
    expect(read).toContain('short');
    expect(read).not.toContain(content);
  });

  it('leaves what the policy says of a text as it is', () => {
    const policy = compiled();
    const ask = () => {
      const request = {
        turns: [{ role: 'user' as const, text: 'I have chest pain' }],
        language: 'en',
        today: '2026-03-01',
      };
      return policy.applyInput(request, () => 0);
    };
    const before = ask();
    warmUp(policy, () => 0, 10);
    expect(ask()).toEqual(before);
  });
});
