import type { GenerateEvent, Runtime } from '@openward/runtime';
import { expect, test } from 'vitest';
import { answer } from './answer.ts';
import type { Lease } from './served.ts';
import { Slots } from './slots.ts';

const side = { before: '', after: '' };
const lease = {
  held: { key: 'key-1' },
  release: {
    model: { template: { bos: '', system: side, user: side, assistant: side, stop: [] }, contextLength: 64 },
    policy: { systemPrompt: '' },
    parameters: { temperature: 0, maxTokens: 8 },
  },
} as unknown as Lease;
const conversation = {
  service: 'triage',
  turns: [{ role: 'user' as const, text: 'hi' }],
  stream: true,
  maxTokens: null,
  stop: [],
  includeUsage: false,
};
const { signal } = new AbortController();

/** One that never ends, and cannot be ended in peace. */
const runtime = {
  generate: (): AsyncIterable<GenerateEvent> => ({
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.resolve({ done: false, value: { type: 'text', text: 'a' } }),
      return: () => Promise.reject(new Error('the runtime is gone')),
    }),
  }),
} as unknown as Runtime;

test('a slot is given back although the runtime cannot end its generation', async () => {
  const slots = new Slots(1, 0);
  const reply = await answer({ runtime, slots, countTokens: () => Promise.resolve(1) }, lease, conversation, signal);
  await reply.next();
  await expect(reply.return()).rejects.toThrow('the runtime is gone');
  expect(slots.busy).toBe(0);
});

test('a slot is given back by a reply whose first piece was never taken', async () => {
  const slots = new Slots(1, 0);
  const ending = {
    ...runtime,
    generate: async function* () {
      yield { type: 'text', text: 'a' };
    },
  } as unknown as Runtime;
  const reply = await answer(
    { runtime: ending, slots, countTokens: () => Promise.resolve(1) },
    lease,
    conversation,
    signal,
  );
  expect(slots.busy).toBe(1);
  await reply.return();
  expect(slots.busy).toBe(0);
});

test('G5 no token is counted for a request that a full queue refuses', async () => {
  const slots = new Slots(1, 0);
  await slots.take(signal);
  let counted = 0;
  const countTokens = () => Promise.resolve(++counted);
  await expect(answer({ runtime, slots, countTokens }, lease, conversation, signal)).rejects.toMatchObject({
    code: 'queueFull',
  });
  expect(counted).toBe(0);
});
