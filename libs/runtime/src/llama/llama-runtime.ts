import { randomInt } from 'node:crypto';

import type {
  GenerateEvent,
  GenerateRequest,
  LoadedModel,
  LoadRequest,
  Runtime,
  RuntimeDescription,
  RuntimeExit,
} from '../port.ts';
import { assertWanted, unlessAborted } from '../patience.ts';
import { Pieces } from '../pieces.ts';
import { RuntimeRefusal } from '../refusal.ts';
import { assertGeneratable, assertLoadable, closed, heldUnderAnotherSet, isSameSet, notLoaded } from '../requests.ts';
import { InTurn } from '../in-turn.ts';
import { abortedBy, Slots } from '../slots.ts';
import type { Connection, Reply } from './connection.ts';
import type { LlamaChild } from './llama-child.ts';
import { Trials } from './trial.ts';
import type { Question } from './wire.ts';

export interface LlamaRuntimeOptions {
  /** The process that does the work; its owner closes it, after the runtime. */
  readonly child: LlamaChild;
  /** Requests of one set that may wait while others are answered. */
  readonly maxWaiting?: number;
}

interface HeldSet {
  readonly request: LoadRequest;
  readonly model: LoadedModel;
  readonly slots: Slots;
}

/** llama.cpp in a process of its own. */
export class LlamaRuntime implements Runtime {
  readonly kind = 'llamaCpp';
  readonly #child: LlamaChild;
  readonly #maxWaiting: number;
  readonly #sets = new Map<string, HeldSet>();
  readonly #inTurn = new InTurn();
  readonly #trials: Trials;
  readonly #leave: () => void;
  #isClosed = false;

  constructor({ child, maxWaiting = 64 }: LlamaRuntimeOptions) {
    this.#child = child;
    this.#trials = new Trials(child);
    this.#maxWaiting = maxWaiting;
    this.#leave = child.onRestart((connection) => this.#restore(connection));
  }

  /** The version is pinned with this library, so it is safe and tested as far as this library is. */
  async describe(): Promise<RuntimeDescription> {
    const { version } = await this.#connect();
    return { kind: this.kind, version, knownSafe: true, tested: true, isolation: await this.#child.isolation() };
  }

  async load(request: LoadRequest, signal?: AbortSignal): Promise<LoadedModel> {
    assertLoadable(request);
    return unlessAborted(
      this.#inTurn.run(() => this.#load(request, signal)),
      signal,
    );
  }

  async #load(request: LoadRequest, signal?: AbortSignal): Promise<LoadedModel> {
    const held = this.#sets.get(request.key);
    if (held !== undefined && !isSameSet(held.request, request)) throw heldUnderAnotherSet(request.key);
    if (held !== undefined) return held.model;
    if (this.#isClosed) throw closed();
    assertWanted(signal);
    // Where nothing is live there is nothing to save, and a node that starts has no second to lose.
    if (this.#sets.size > 0) await this.#trials.run(request, signal);
    const connection = await this.#connect();
    const model = onlyModel(await this.#askToLoad(connection, request));
    this.#trials.pass(request);
    // It is not broken off halfway, in the process that serves others.
    if (signal?.aborted === true) await connection.ask({ ask: 'unload', key: request.key }).reply;
    assertWanted(signal);
    this.#sets.set(request.key, { request, model, slots: new Slots(request.parallel, this.#maxWaiting) });
    return model;
  }

  async *generate(request: GenerateRequest): AsyncGenerator<GenerateEvent> {
    assertGeneratable(request);
    const held = this.#sets.get(request.model);
    if (held === undefined) throw notLoaded(request.model);
    const giveBack = await held.slots.take(request.signal);
    const connection = await this.#connect().catch((cause: unknown) => {
      giveBack();
      throw cause;
    });
    const pieces = new Pieces<GenerateEvent>();
    const { reply, cancel } = connection.ask(
      { ask: 'generate', key: request.model, question: questionOf(request) },
      (text) => pieces.add({ type: 'text', text }),
    );
    reply
      .then((said) => {
        this.#child.hasWorked();
        pieces.end(endOf(said));
      })
      .catch((cause: unknown) => pieces.fail(cause))
      .finally(giveBack);
    const abort = (): void => {
      cancel();
      pieces.fail(abortedBy(request.signal));
    };
    if (request.signal?.aborted) abort();
    request.signal?.addEventListener('abort', abort, { once: true });
    try {
      yield* pieces;
    } finally {
      request.signal?.removeEventListener('abort', abort);
      cancel();
    }
  }

  async unload(key: string): Promise<void> {
    await this.#inTurn.run(async () => {
      const held = this.#sets.get(key);
      if (held === undefined) return;
      this.#sets.delete(key);
      held.slots.refuseWaiting(notLoaded(key));
      const connection = await this.#connect();
      await connection.ask({ ask: 'unload', key }).reply;
    });
  }

  async loaded(): Promise<readonly LoadedModel[]> {
    if (this.#isClosed) throw closed();
    if (this.#sets.size === 0) return [];
    const connection = await this.#connect();
    const said = await connection.ask({ ask: 'loaded' }).reply;
    return said.say === 'loaded' ? said.models : [];
  }

  /** It keeps no copy of its own. */
  async remove(key: string): Promise<void> {
    await this.unload(key);
  }

  onExit(listener: (exit: RuntimeExit) => void): () => void {
    return this.#child.onExit(listener);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    const keys = [...this.#sets.keys()];
    this.#isClosed = true;
    this.#leave();
    for (const { slots } of this.#sets.values()) slots.refuseWaiting(closed());
    this.#sets.clear();
    // A child that does not run holds nothing, and is not started for this.
    const connection = this.#child.pid === undefined ? undefined : await this.#child.connect().catch(() => undefined);
    for (const key of keys) await connection?.ask({ ask: 'unload', key }).reply.catch(() => undefined);
  }

  #connect(): Promise<Connection> {
    return this.#isClosed ? Promise.reject(closed()) : this.#child.connect();
  }

  #askToLoad(connection: Connection, request: LoadRequest): Promise<Reply> {
    return this.#child.patiently(connection, request, () => connection.ask({ ask: 'load', request }).reply);
  }

  /** A set whose file is gone or broken by now is given up: requests for it are `modelNotLoaded`. */
  async #restore(connection: Connection): Promise<void> {
    for (const { request } of this.#sets.values()) {
      try {
        await this.#askToLoad(connection, request);
      } catch (cause) {
        if (cause instanceof RuntimeRefusal && cause.code === 'runtimeExited') throw cause;
        this.#sets.delete(request.key);
      }
    }
  }
}

const questionOf = ({ prompt, maxTokens, temperature, topP, seed, stop, format }: GenerateRequest): Question => ({
  prompt,
  maxTokens,
  temperature,
  topP: topP ?? 1,
  seed: seed ?? randomInt(0x7fff_ffff),
  stop,
  ...(format === undefined ? {} : { format }),
});

function endOf(said: Reply): GenerateEvent {
  if (said.say === 'end') return { type: 'end', ...said.end };
  throw new RuntimeRefusal('runtimeFailed', 'The process that runs the models gave another answer than an end.');
}

function onlyModel(said: Reply): LoadedModel {
  const model = said.say === 'loaded' ? said.models[0] : undefined;
  if (model !== undefined) return model;
  throw new RuntimeRefusal('runtimeFailed', 'The process that runs the models gave another answer than a model.');
}
