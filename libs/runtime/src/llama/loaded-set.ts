import type { Llama, LlamaContext, LlamaContextSequence, LlamaModel } from 'node-llama-cpp';

import type { LoadedModel, LoadRequest } from '../port.ts';
import { Slots } from '../slots.ts';
import { withVerified } from './files.ts';
import { explained, type Models } from './models.ts';

/**
 * A base with its adapter, a context for it, and the sequences that answer. The agent sends no more requests at once than
 * there are sequences; one that comes while the last is being wiped waits for it.
 */
export class LoadedSet {
  readonly request: LoadRequest;
  readonly model: LlamaModel;
  readonly #models: Models;
  readonly #context: LlamaContext;
  readonly #idle: LlamaContextSequence[];
  readonly #slots: Slots;

  private constructor(request: LoadRequest, model: LlamaModel, models: Models, context: LlamaContext) {
    this.request = request;
    this.model = model;
    this.#models = models;
    this.#context = context;
    this.#idle = Array.from({ length: request.parallel }, () => context.getSequence());
    this.#slots = new Slots(request.parallel, Number.POSITIVE_INFINITY);
  }

  static async load(llama: Llama, models: Models, request: LoadRequest): Promise<LoadedSet> {
    const model = await models.take(request.base);
    try {
      const context = await contextFor(llama, model, request);
      const set = new LoadedSet(request, model, models, context);
      await set.#warmUp();
      return set;
    } catch (cause) {
      await models.giveBack(request.base.digest);
      throw cause;
    }
  }

  describe(): LoadedModel {
    const { key, base, adapter } = this.request;
    const memoryBytes = this.model.size + this.#context.stateSize + this.#context.memoryUsage.ram;
    return { key, base: base.digest, memoryBytes, ...(adapter === undefined ? {} : { adapter: adapter.digest }) };
  }

  /** Lends a sequence with nothing in it, and wipes it afterwards. */
  async withSequence<Result>(use: (sequence: LlamaContextSequence) => Promise<Result>): Promise<Result> {
    const giveBack = await this.#slots.take();
    const sequence = this.#idle.pop();
    if (sequence === undefined) throw new Error('more slots than sequences');
    try {
      return await use(sequence);
    } finally {
      await sequence.clearHistory();
      this.#idle.push(sequence);
      giveBack();
    }
  }

  async unload(): Promise<void> {
    await this.#context.dispose();
    await this.#models.giveBack(this.request.base.digest);
  }

  async #warmUp(): Promise<void> {
    await this.withSequence(async (sequence) => {
      const first = this.model.tokens.bos ?? this.model.tokenize('a')[0];
      if (first === undefined) return;
      for await (const _ of sequence.evaluate([first], { yieldEogToken: true })) break;
    });
  }
}

async function contextFor(llama: Llama, model: LlamaModel, request: LoadRequest): Promise<LlamaContext> {
  const { adapter, contextLength, threads, parallel } = request;
  const create = (lora?: string): Promise<LlamaContext> =>
    explained(llama, () =>
      model.createContext({
        contextSize: contextLength,
        sequences: parallel,
        threads,
        failedCreationRemedy: false,
        ...(lora === undefined ? {} : { lora }),
      }),
    );
  return adapter === undefined ? create() : withVerified(adapter, create);
}
