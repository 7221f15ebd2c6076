import type { Held } from '@openward/activation';
import { digestOf, plainPolicy } from '@openward/contracts';
import { NO_SITE_TERMS } from '@openward/policy';
import type { LoadedModel } from '@openward/runtime';
import { expect, test } from 'vitest';
import { compiledPolicy } from '../gateway/compiled.ts';
import type { Answering } from '../gateway/answer.ts';
import type { Lease } from '../gateway/served.ts';
import { createProber } from './prober.ts';

const chain = { base: digestOf('base'), adapter: digestOf('adapter') };
const release = { parameters: { temperature: 0, maxTokens: 8 } };
const policy = compiledPolicy(plainPolicy(''), NO_SITE_TERMS);
const held = { key: 'ow-1', release: digestOf('release'), chain } as Held;

/** `answers` is what became of the lease's runtime: a probe that comes as far as to ask has passed every check before it. */
async function probe(loaded: LoadedModel): Promise<{ result: string; isAsked: boolean }> {
  let isAsked = false;
  const prober = createProber(
    { lease: async () => ({ held, release, policy, end: () => undefined }) as unknown as Lease },
    new Proxy({} as Answering, {
      get: () => {
        isAsked = true;
        throw new Error('asked');
      },
    }),
    { loaded: () => Promise.resolve([loaded]) },
    100,
    { info: () => {}, warn: () => {}, error: () => {} },
  );
  const result = await prober.probe('triage', held, 1000, new AbortController().signal);
  return { result, isAsked };
}

const staged: LoadedModel = { key: 'ow-1', ...chain, memoryBytes: 100 };

test.each<[string, LoadedModel, boolean]>([
  ['what was staged, within the memory', staged, true],
  ['another base', { ...staged, base: digestOf('other') }, false],
  ['another adapter', { ...staged, adapter: digestOf('other') }, false],
  ['no adapter', { key: 'ow-1', base: chain.base, memoryBytes: 1 }, false],
  ['another key', { ...staged, key: 'ow-2' }, false],
  ['more memory than the node gives', { ...staged, memoryBytes: 101 }, false],
])('N4 N8 a probe of %s asks the model: %#', async (_what, loaded, asks) => {
  expect(await probe(loaded)).toEqual({ result: 'failed', isAsked: asks });
});
