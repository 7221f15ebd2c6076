import type { PolicyRule, PolicyStage } from '@openward/contracts';
import { realisticRules } from '@openward/policy/testing';
import { LlamaChild, openVocabulary } from '@openward/runtime';
import { answer, peakMemory } from '../workers.ts';
import { SERVICE } from './exchange.ts';
import { atOnce, fakeRuntime, overHttp } from './fake-runtime.ts';
import { demoModel, heldOf, MODELS } from './release.ts';
import { serveGateway } from './serve.ts';

export interface GatewayTask {
  /** Null: the runtime answers inside the gateway's process, so that the gateway alone is measured. */
  readonly runtimeUrl: string | null;
  /** The served model's own vocabulary in llama.cpp's child process, as in the agent; else a count of letters. */
  readonly ownVocabulary: boolean;
  /** Of the policy: half of them for requests, half for replies. */
  readonly rules: number;
}

const of = (stage: PolicyStage, count: number): PolicyRule[] =>
  realisticRules(count, stage).map((rule) => ({ ...rule, id: `${stage}-${rule.id}` }));

async function listen({ runtimeUrl, ownVocabulary, rules }: GatewayTask): Promise<string> {
  const runtime = fakeRuntime(runtimeUrl === null ? atOnce : overHttp(runtimeUrl));
  const vocabulary = ownVocabulary
    ? await openVocabulary(new LlamaChild({ readable: [MODELS] }), demoModel(1))
    : undefined;
  const { url, served } = await serveGateway(
    runtime,
    (_, prompt) => vocabulary?.countTokens(prompt) ?? Promise.resolve(prompt.length >> 2),
    32,
    [...of('input', rules / 2), ...of('output', rules / 2)],
    vocabulary?.marks,
  );
  await served.switchTo(SERVICE, heldOf(1));
  return url;
}

const questions = answer({ listen, peak: () => peakMemory() });
export type GatewayWorker = typeof questions;
