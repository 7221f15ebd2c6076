import type { Held } from '@openward/activation';
import type { PromptPolicy, Release } from '@openward/contracts';
import { NO_SITE_TERMS } from '@openward/policy';
import type { GenerateEvent, GenerateRequest, Runtime } from '@openward/runtime';
import { expect, test } from 'vitest';
import { compiledPolicy } from '../gateway/compiled.ts';
import { policyWith, ruleWith, words } from '../gateway/policy.fixture.ts';
import type { Lease } from '../gateway/served.ts';
import { Slots } from '../gateway/slots.ts';
import { createProber } from './prober.ts';

const held = { key: 'key-1', release: 'sha256:r', chain: null } as Held;
const side = { before: '', after: '|' };

async function probe(
  policy: PromptPolicy,
  now: () => number = () => 0,
  compiled = compiledPolicy(policy, NO_SITE_TERMS),
) {
  const asked: string[] = [];
  const runtime = {
    loaded: () => Promise.resolve([{ key: held.key, memoryBytes: 1 }]),
    async *generate({ prompt }: GenerateRequest): AsyncGenerator<GenerateEvent> {
      asked.push(prompt);
      yield { type: 'text', text: 'A probe of what?' };
      yield { type: 'end', finishReason: 'stop', promptTokens: 1, completionTokens: 1 };
    },
  } as unknown as Runtime;
  const release = {
    model: { template: { bos: '', system: side, user: side, assistant: side, stop: [] }, contextLength: 64 },
    policy,
    parameters: { temperature: 0, maxTokens: 8 },
  } as unknown as Release;
  const lease: Lease = { held, release, policy: compiled, fallbackText: () => '', before: null, end: () => undefined };
  const prober = createProber(
    { lease: () => Promise.resolve(lease) },
    { runtime, slots: new Slots(1, 1), countTokens: () => Promise.resolve(1), marksOf: () => Promise.resolve([]) },
    runtime,
    100,
    { info: () => undefined, warn: () => undefined, error: () => undefined },
    now,
  );
  return { result: await prober.probe('triage', held, 5_000, new AbortController().signal), asked };
}

const block = { does: 'block', text: 'refusal' } as const;
const texts = { refusal: { en: 'No.', fr: 'Non.' } };
const under = (...stages: ('input' | 'output')[]): PromptPolicy =>
  policyWith({
    texts,
    rules: stages.map((stage) => ruleWith({ id: stage, stage, match: words('probe'), action: block })),
  });

test('N4 a policy that blocks the probe’s question or its answer does not fail the probe, and the model is asked all the same', async () => {
  for (const policy of [under(), under('input'), under('output'), under('input', 'output')])
    expect(await probe(policy)).toEqual({ result: 'ok', asked: ['SYS|This is a probe.|'] });
});

test('N4 a rule that cannot be applied to the question or the answer fails the probe', async () => {
  for (const policy of [under('input'), under('output')]) {
    let at = 0;
    expect(await probe(policy, () => (at += 5_000))).toMatchObject({ result: 'failed' });
  }
});

test('N4 the rules of replies are put to the answer of a question that is blocked as well', async () => {
  const policy = under('input', 'output');
  const compiled = compiledPolicy(policy, NO_SITE_TERMS);
  const applied: string[] = [];
  const watched = {
    ...compiled,
    applyReply: (...given: Parameters<typeof compiled.applyReply>) => {
      applied.push(given[1]);
      return compiled.applyReply(...given);
    },
  };
  expect(await probe(policy, () => 0, watched)).toMatchObject({ result: 'ok' });
  expect(applied).toEqual(['A probe of what?']);
});

test('N4 what a policy wants of clients is not asked of the probe', async () => {
  const policy = policyWith({
    clientSystem: 'refuse',
    parameters: [{ kind: 'denied', field: 'maxTokens' }],
    expires: '2020-01-01T00:00:00.000Z',
  });
  expect(await probe(policy)).toMatchObject({ result: 'ok' });
});
