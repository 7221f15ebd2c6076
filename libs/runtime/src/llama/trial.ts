import type { LoadRequest } from '../port.ts';
import { RuntimeRefusal } from '../refusal.ts';
import type { Connection } from './connection.ts';
import type { LlamaChild } from './llama-child.ts';

/**
 * Loads a set in a process of its own, fenced in as the serving one is, and has it say one token: a file that ends llama.cpp
 * ends that process, and no release that is live (N9). What passed once is not tried again.
 */
export class Trials {
  readonly #child: LlamaChild;
  readonly #passed = new Set<string>();

  constructor(child: LlamaChild) {
    this.#child = child;
  }

  /** It was loaded and answered, so that no trial would tell more. */
  pass(request: LoadRequest): void {
    this.#passed.add(nameOf(request));
  }

  /** Rejects as the load does, and with `modelNotLoadable` where the files end the process. An abort ends the process. */
  async run(request: LoadRequest, signal?: AbortSignal): Promise<void> {
    if (this.#passed.has(nameOf(request))) return;
    await this.#child.apart((connection) =>
      this.#child.patiently(connection, request, () => tryOut(connection, request), signal),
    );
    this.pass(request);
  }
}

async function tryOut(connection: Connection, request: LoadRequest): Promise<void> {
  const { key } = request;
  // One sequence is enough, and takes the least memory beside what is live.
  await connection.ask({ ask: 'load', request: { ...request, parallel: 1 } }).reply;
  const question = { prompt: 'A patient.', maxTokens: 1, temperature: 0, topP: 1, seed: 1, stop: [] };
  try {
    await connection.ask({ ask: 'generate', key, question }).reply;
  } catch (cause) {
    if (connection.hasCrashed) throw notLoadable(cause);
    // What it refuses while it lives on is for the probe to judge.
    if (!(cause instanceof RuntimeRefusal) || cause.code === 'runtimeExited') throw cause;
  }
}

const notLoadable = (cause: unknown): RuntimeRefusal =>
  new RuntimeRefusal('modelNotLoadable', 'llama.cpp ends at its first token; have the file made anew.', { cause });

const nameOf = ({ base, adapter, contextLength }: LoadRequest): string =>
  [base.digest, adapter?.digest, contextLength].join(' ');
