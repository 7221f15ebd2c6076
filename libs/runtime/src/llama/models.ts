import { LlamaLogLevel, type Llama, type LlamaModel } from 'node-llama-cpp';

import type { ModelFile } from '../port.ts';
import { RuntimeRefusal } from '../refusal.ts';
import { withVerified } from './files.ts';

interface Held {
  readonly model: Promise<LlamaModel>;
  users: number;
}

/** Each base is in memory once, whichever sets use it; the last to give it back frees it. */
export class Models {
  readonly #llama: Llama;
  readonly #vocabOnly: boolean;
  readonly #held = new Map<string, Held>();

  constructor(llama: Llama, vocabOnly: boolean) {
    this.#llama = llama;
    this.#vocabOnly = vocabOnly;
  }

  async take(file: ModelFile): Promise<LlamaModel> {
    let held = this.#held.get(file.digest);
    if (held === undefined) {
      held = { model: this.#open(file), users: 0 };
      this.#held.set(file.digest, held);
    }
    held.users += 1;
    try {
      return await held.model;
    } catch (cause) {
      await this.giveBack(file.digest);
      throw cause;
    }
  }

  holds(digest: string): boolean {
    return this.#held.has(digest);
  }

  async giveBack(digest: string): Promise<void> {
    const held = this.#held.get(digest);
    if (held === undefined) return;
    held.users -= 1;
    if (held.users > 0) return;
    this.#held.delete(digest);
    // One that could not be opened has nothing to give back; whoever asked for it was told why.
    const model = await held.model.catch(() => undefined);
    await model?.dispose();
  }

  async #open(file: ModelFile): Promise<LlamaModel> {
    return withVerified(file, (modelPath) =>
      explained(this.#llama, (loadSignal) =>
        this.#llama.loadModel({ modelPath, gpuLayers: 0, vocabOnly: this.#vocabOnly, loadSignal }),
      ),
    );
  }
}

/** What llama.cpp logged as errors while it worked says more than its exception; neither names anything of a prompt. */
export async function explained<Result>(llama: Llama, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const said: string[] = [];
  const logger = llama.logger;
  llama.logger = (level, message) => {
    if ((level === LlamaLogLevel.error || level === LlamaLogLevel.fatal) && said.length < 4) said.push(message.trim());
  };
  try {
    return await work(new AbortController().signal);
  } catch (cause) {
    if (cause instanceof RuntimeRefusal) throw cause;
    const why = [cause instanceof Error ? cause.message : String(cause), ...said].join('; ').slice(0, 600);
    throw new RuntimeRefusal('modelNotLoadable', `llama.cpp cannot load it: ${why}`, { cause });
  } finally {
    llama.logger = logger;
  }
}
