import type { Name, Release } from '@openward/contracts';
import { NO_SITE_TERMS } from '@openward/policy';
import type { GenerateEvent, GenerateRequest, Runtime } from '@openward/runtime';
import { expect, test } from 'vitest';
import { answer } from '../gateway/answer.ts';
import { compiledPolicy } from '../gateway/compiled.ts';
import { generationOf } from '../gateway/parameters.ts';
import { heldOf, releaseOf } from '../gateway/release.fixture.ts';
import { ServedReleases } from '../gateway/served.ts';
import { Slots } from '../gateway/slots.ts';
import { answerItem } from './evaluation-answer.ts';

const END: GenerateEvent = { type: 'end', finishReason: 'stop', promptTokens: 1, completionTokens: 1 };
const text = (said: string): GenerateEvent => ({ type: 'text', text: said });
const held = heldOf(1);
const signal = new AbortController().signal;
const compile = (policy: Release['policy']) => compiledPolicy(policy, NO_SITE_TERMS);
const count = () => Promise.resolve(1);
const marks = () => Promise.resolve([]);

function runtimeThatSays(events: readonly GenerateEvent[]) {
  const asked: GenerateRequest[] = [];
  const generate = async function* (request: GenerateRequest): AsyncGenerator<GenerateEvent> {
    asked.push(request);
    yield* await Promise.resolve(events);
  };
  return { asked, runtime: { generate } as unknown as Runtime };
}

const asItem = (release: Release, runtime: Runtime) =>
  answerItem(
    {
      documents: { release: () => Promise.resolve(release) },
      models: { ensure: () => Promise.resolve(held.key), countTokens: count, marks },
      runtime,
      compile,
      today: () => '2026-03-01',
      monotonic: () => 0,
      log: { info: () => {}, warn: () => {}, error: () => {} },
    },
    held,
    'hi',
    'en',
    signal,
  );

test.each([
  ['the fewest', { temperature: 0, maxTokens: 8 }],
  ['all', { temperature: 0.3, topP: 0.8, seed: 7, maxTokens: 9 }],
] as const)('an item is asked as a clinic is that names no parameter: %s parameters', async (_, parameters) => {
  const plain = releaseOf(1);
  const policy: Release['policy'] = {
    ...plain.policy,
    parameters: [{ kind: 'bounded', field: 'temperature', min: 0, max: 0.5 }],
  };
  const release: Release = { ...plain, parameters, policy };
  const { asked, runtime } = runtimeThatSays([text('ok'), END]);
  expect(await asItem(release, runtime)).toEqual({ kind: 'text', text: 'ok' });

  const served = new ServedReleases({
    releaseOf: () => Promise.resolve(release),
    cameFrom: () => null,
    compile,
    terms: () => NO_SITE_TERMS,
    drainMs: 1_000,
    now: () => 0,
  });
  await served.switchTo('triage' as Name, held);
  const generation = generationOf(policy.parameters, parameters, {
    maxTokens: null,
    stop: [],
    asked: { api: 'openai.chat', body: {} },
  });
  const turns = [{ role: 'user', text: 'hi' }] as const;
  const answering = { runtime, slots: new Slots(1, 1), countTokens: count, marksOf: marks };
  await answer(answering, await served.lease('triage'), { turns, generation }, signal);
  expect(asked).toHaveLength(2);
  expect(asked[0]).toEqual(asked[1]);
});

test('a reply that ends before it is whole is a failure, and never graded', async () => {
  const { runtime } = runtimeThatSays([text('emer')]);
  expect(await asItem(releaseOf(1), runtime)).toEqual({ kind: 'failed', code: 'runtimeFailed' });
});
