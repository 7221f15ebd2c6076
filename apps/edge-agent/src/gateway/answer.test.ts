import { plainPolicy } from '@openward/contracts';
import type { Release } from '@openward/contracts';
import type { Runtime } from '@openward/runtime';
import { expect, test } from 'vitest';
import { answer } from './answer.ts';
import type { Lease } from './served.ts';
import { Slots } from './slots.ts';

const mark = { before: '<m>', after: '' };
const release = {
  model: { template: { bos: '', system: mark, user: mark, assistant: mark, stop: [] }, contextLength: 64 },
  policy: plainPolicy(''),
  parameters: { temperature: 0, maxTokens: 8 },
} as unknown as Release;
const lease = { release, policy: { systemPrompt: '' }, held: { key: 'k' }, end: () => undefined } as unknown as Lease;
const runtime = {
  async *generate() {
    yield { type: 'end', finishReason: 'stop', promptTokens: 1, completionTokens: 1 };
  },
} as unknown as Runtime;

test('G2 a prompt is counted only where its bytes do not tell, and one that cannot fit costs the vocabulary nothing', async () => {
  let counted = 0;
  const countTokens = (_: Lease, prompt: string) => {
    counted += 1;
    return Promise.resolve(prompt.length);
  };
  const outcomeOf = async (length: number): Promise<readonly [string, number]> => {
    counted = 0;
    const admitted = {
      turns: [{ role: 'user' as const, text: 'x'.repeat(length) }],
      generation: { temperature: 0, topP: undefined, seed: undefined, maxTokens: 8, stop: [] },
    };
    const reply = answer(
      { runtime, slots: new Slots(1, 0), countTokens, marksOf: () => Promise.resolve([]) },
      lease,
      admitted,
      new AbortController().signal,
    );
    const outcome = await reply.then(
      async (events) => {
        for await (const _ of events);
        return 'answered';
      },
      (error: { code: string }) => error.code,
    );
    return [outcome, counted];
  };
  expect(await outcomeOf(34)).toEqual(['answered', 0]);
  expect(await outcomeOf(35)).toEqual(['answered', 1]);
  expect(await outcomeOf(51)).toEqual(['tooLong', 1]);
  expect(await outcomeOf(64 * 64)).toEqual(['tooLong', 0]);
});
