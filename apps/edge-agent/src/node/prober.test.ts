import type { Held } from '@openward/activation';
import { plainPolicy } from '@openward/contracts';
import { NO_SITE_TERMS } from '@openward/policy';
import type { GenerateEvent, Runtime } from '@openward/runtime';
import { expect, test } from 'vitest';
import type { Lease, ServedReleases } from '../gateway/served.ts';
import { Slots } from '../gateway/slots.ts';
import { compiledPolicy } from '../gateway/compiled.ts';
import { createProber } from './prober.ts';

const held = { key: 'key-1', release: 'sha256:r', chain: null } as Held;
const side = { before: '', after: '' };
const lease = {
  held,
  release: {
    model: { template: { bos: '', system: side, user: side, assistant: side, stop: [] }, contextLength: 64 },
    policy: plainPolicy(''),
    parameters: { temperature: 0, maxTokens: 8 },
  },
  policy: compiledPolicy(plainPolicy(''), NO_SITE_TERMS),
  end: () => undefined,
} as unknown as Lease;
const runtimeThatTells = (order: string[]) =>
  ({
    loaded: () => Promise.resolve([{ key: held.key, memoryBytes: 1 }]),
    async *generate(): AsyncGenerator<GenerateEvent> {
      order.push('probe');
      yield { type: 'end', finishReason: 'stop', promptTokens: 1, completionTokens: 1 };
    },
  }) as unknown as Runtime;
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

test('N4 a probe behind a full queue takes the next slot, so that a busy clinic takes no release back', async () => {
  const slots = new Slots(1, 2);
  const { signal } = new AbortController();
  const giveBack = await slots.take(signal);
  const order: string[] = [];
  const runtime = runtimeThatTells(order);
  const clinic = ['first', 'second'].map((name) =>
    slots.take(signal).then((giveItBack) => {
      order.push(name);
      giveItBack();
    }),
  );
  const prober = createProber(
    { lease: () => lease } as unknown as ServedReleases,
    { runtime, slots, countTokens: () => Promise.resolve(1), marksOf: () => Promise.resolve([]) },
    runtime,
    100,
    quiet,
  );
  const probed = prober.probe('triage', held, 10_000, signal);
  for (const deadline = performance.now() + 5000; slots.waiting < 3;) {
    if (performance.now() > deadline) throw new Error('the probe never stood in the queue');
    await new Promise((resolve) => setImmediate(resolve));
  }
  giveBack();
  expect(await probed).toBe('ok');
  await Promise.all(clinic);
  expect(order).toEqual(['probe', 'first', 'second']);
});
