import { setTimeout as delay } from 'node:timers/promises';

import type { LoadedModel, LoadRequest, ModelFile } from '../port.ts';
import { RuntimeRefusal } from '../refusal.ts';
import { refusalFor } from './failures.ts';
import type { OllamaServer, RunnerOptions } from './ollama-server.ts';
import { digestsIn, isWhatWasAsked, otherBytes } from './reported.ts';
import { FIRST_SAFE, isKnownSafe } from './versions.ts';

/** Milliseconds that Ollama may take to let go of a model, after its last request ended. */
const UNLOAD_DEADLINE = 30_000;

export const optionsOf = ({ contextLength, threads }: LoadRequest): RunnerOptions => ({
  num_ctx: contextLength,
  num_thread: threads,
});

/** One Ollama, and the steps by which a set comes to serve there and leaves again. */
export class Place {
  readonly server: OllamaServer;
  readonly #allowUnsafeVersion: boolean;
  #version: string | undefined;

  constructor(server: OllamaServer, allowUnsafeVersion: boolean) {
    this.server = server;
    this.#allowUnsafeVersion = allowUnsafeVersion;
  }

  /** As Ollama says it; asked again once it was gone. */
  async version(): Promise<string> {
    this.#version ??= await this.#do('manage', () => this.server.version());
    return this.#version;
  }

  forgetVersion(): void {
    this.#version = undefined;
  }

  async assertSafe(): Promise<void> {
    const version = await this.version();
    if (this.#allowUnsafeVersion || isKnownSafe(version)) return;
    throw new RuntimeRefusal(
      'runtimeUnsafeVersion',
      `Ollama at ${this.server.url} says version ${version}; ${FIRST_SAFE} is the first without known holes. Upgrade it, or set runtime.allowUnsafeVersion and answer for it.`,
    );
  }

  async hasStored(model: string): Promise<boolean> {
    return (await this.#do('manage', () => this.server.stored())).some(({ name }) => isNamed(name, model));
  }

  /** Makes Ollama hold the set's files under this name, and checks that it reports the digests that were asked for. */
  async store(model: string, request: LoadRequest, signal?: AbortSignal): Promise<void> {
    const { base, adapter } = request;
    if (isWhatWasAsked(await this.#reported(model), request)) return;
    await this.#do('manage', () => this.server.delete(model));
    for (const file of adapter === undefined ? [base] : [base, adapter]) await this.#upload(file, signal);
    await this.#do('load', () =>
      this.server.create(
        {
          model,
          files: { 'model.gguf': base.digest },
          ...(adapter === undefined ? {} : { adapters: { 'adapter.gguf': adapter.digest } }),
        },
        signal,
      ),
    );
    const reported = await this.#reported(model);
    if (isWhatWasAsked(reported, request)) return;
    await this.#do('manage', () => this.server.delete(model));
    throw otherBytes(reported, request);
  }

  /** Into memory, and warm. */
  async load(model: string, request: LoadRequest, signal?: AbortSignal): Promise<LoadedModel> {
    const options = optionsOf(request);
    await this.#do('load', () => this.server.load(model, options, signal));
    const warmUp = { model, prompt: 'a', keep_alive: -1, options: { ...options, num_predict: 1 } };
    await this.#do('load', async () => {
      for await (const _ of this.server.generate(warmUp, signal)) continue;
    });
    const loaded = await this.loadedAs(model, request.key);
    if (loaded === undefined) throw new RuntimeRefusal('modelNotLoadable', 'Ollama loaded it and let go of it again.');
    if (!isWhatWasAsked(loaded, request)) throw otherBytes(loaded, request);
    return loaded;
  }

  /** What runs under this name, as Ollama reports it; nothing where nothing does, or where it is no longer what is stored. */
  async loadedAs(model: string, key: string): Promise<LoadedModel | undefined> {
    const [running, stored] = await this.#do('manage', () =>
      Promise.all([this.server.running(), this.server.stored()]),
    );
    const loaded = running.find(({ name }) => isNamed(name, model));
    const manifest = stored.find(({ name }) => isNamed(name, model));
    const reported = await this.#reported(model);
    if (loaded === undefined || reported === undefined || loaded.digest !== manifest?.digest) return undefined;
    return { key, ...reported, memoryBytes: loaded.size };
  }

  async running(): Promise<ReadonlySet<string>> {
    const running = await this.#do('manage', () => this.server.running());
    return new Set(running.map(({ name }) => name.replace(/:latest$/, '')));
  }

  /** Returns once the memory is free. */
  async unload(model: string): Promise<void> {
    if (!(await this.running()).has(model)) return;
    await this.#do('manage', () => this.server.unload(model));
    for (const began = performance.now(); (await this.running()).has(model); await delay(20)) {
      if (performance.now() - began < UNLOAD_DEADLINE) continue;
      throw new RuntimeRefusal(
        'runtimeFailed',
        `Ollama still holds ${model} after ${UNLOAD_DEADLINE / 1000} s; see its log.`,
      );
    }
  }

  async remove(model: string): Promise<void> {
    await this.unload(model);
    await this.#do('manage', () => this.server.delete(model));
  }

  async #reported(model: string) {
    const modelfile = await this.#do('manage', () => this.server.modelfileOf(model));
    return modelfile === undefined ? undefined : digestsIn(modelfile);
  }

  async #upload({ digest, path }: ModelFile, signal?: AbortSignal): Promise<void> {
    if (await this.#do('manage', () => this.server.hasBlob(digest))) return;
    try {
      await this.server.putBlob(digest, path, signal);
    } catch (cause) {
      throw uploadRefusal(cause, digest);
    }
  }

  async #do<Result>(during: 'load' | 'manage', work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (cause) {
      throw refusalFor(cause, during);
    }
  }
}

function uploadRefusal(cause: unknown, digest: string): RuntimeRefusal {
  if (cause instanceof Error && 'status' in cause && cause.status === 400) {
    return new RuntimeRefusal('digestMismatch', `The file does not hold ${digest}; fetch it again.`, { cause });
  }
  if (cause instanceof Error && 'syscall' in cause && 'path' in cause) {
    return new RuntimeRefusal('modelNotLoadable', "The model's file cannot be opened.", { cause });
  }
  return refusalFor(cause, 'manage');
}

const isNamed = (name: string, model: string): boolean => name === model || name === `${model}:latest`;
