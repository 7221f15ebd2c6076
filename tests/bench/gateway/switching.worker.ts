import { LlamaChild, LlamaRuntime, openVocabulary } from '@openward/runtime';
import type { ServedReleases } from '../../../apps/edge-agent/src/gateway/served.ts';
import { answer } from '../workers.ts';
import { SERVICE } from './exchange.ts';
import { demoModel, heldOf, MODELS } from './release.ts';
import { serveGateway } from './serve.ts';

// A gateway with two demo models loaded side by side in the embedded llama.cpp.

const PARALLEL = 4;
const now = (): number => performance.timeOrigin + performance.now();

let runtime: LlamaRuntime;
let served: ServedReleases;

const load = (version: number) =>
  runtime.load({
    key: heldOf(version).key,
    base: demoModel(version),
    contextLength: 256,
    threads: 1,
    parallel: PARALLEL,
  });

async function listen(): Promise<string> {
  const child = new LlamaChild({ readable: [MODELS] });
  runtime = new LlamaRuntime({ child });
  await load(1);
  await load(2);
  const vocabulary = await openVocabulary(child, demoModel(1));
  const gateway = await serveGateway(
    runtime,
    (_lease, prompt) => vocabulary.countTokens(prompt),
    PARALLEL,
    [],
    vocabulary.marks,
  );
  served = gateway.served;
  await served.switchTo(SERVICE, heldOf(1));
  return gateway.url;
}

/** When it was asked for, in wall time. */
async function switchTo({ release }: { readonly release: number }): Promise<number> {
  const began = now();
  await served.switchTo(SERVICE, heldOf(release));
  return began;
}

/** What a switch takes where both do not fit: the one goes, the other is loaded and warmed up. In milliseconds. */
async function swap(): Promise<number> {
  await served.switchTo(SERVICE, heldOf(1));
  await runtime.unload(heldOf(2).key);
  const began = now();
  await runtime.unload(heldOf(1).key);
  await load(2);
  const took = now() - began;
  await load(1);
  return took;
}

const questions = answer({ listen, switchTo, swap });
export type SwitchingWorker = typeof questions;
