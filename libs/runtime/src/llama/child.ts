/**
 * The process that runs llama.cpp. It is started by `launch.ts`, talks to the agent alone, and ends when the agent does:
 * a lost IPC channel is the end. It writes nothing anywhere.
 */
import { readFileSync } from 'node:fs';
import { getLlama, type Llama, type LlamaGrammar } from 'node-llama-cpp';

import { RuntimeRefusal } from '../refusal.ts';
import { notLoaded } from '../requests.ts';
import { answer, grammarFor, tokensOf } from './answer.ts';
import { LoadedSet } from './loaded-set.ts';
import { marksOf } from './marks.ts';
import { Models } from './models.ts';
import type { Ask, Question, Say } from './wire.ts';

const MOST_GRAMMARS = 32;

class Child {
  readonly #llama: Llama;
  readonly #models: Models;
  readonly #vocabularies: Models;
  readonly #sets = new Map<string, LoadedSet>();
  readonly #open = new Map<string, Awaited<ReturnType<Models['take']>>>();
  readonly #cancelled = new Set<number>();
  readonly #answering = new Set<number>();
  readonly #grammars = new Map<string, Promise<LlamaGrammar>>();

  constructor(llama: Llama) {
    this.#llama = llama;
    this.#models = new Models(llama, false);
    this.#vocabularies = new Models(llama, true);
  }

  async hear(ask: Ask): Promise<void> {
    if (ask.ask === 'cancel') {
      if (this.#answering.has(ask.id)) this.#cancelled.add(ask.id);
      return;
    }
    try {
      say(await this.#answerTo(ask));
    } catch (cause) {
      say(refusalOf(ask, cause));
    }
  }

  async #answerTo(ask: Exclude<Ask, { ask: 'cancel' }>): Promise<Say> {
    const { id } = ask;
    switch (ask.ask) {
      case 'load': {
        const set = await LoadedSet.load(this.#llama, this.#models, ask.request);
        this.#sets.set(ask.request.key, set);
        return { say: 'loaded', id, models: [set.describe()] };
      }
      case 'unload': {
        const set = this.#sets.get(ask.key);
        this.#sets.delete(ask.key);
        await set?.unload();
        return { say: 'done', id };
      }
      case 'loaded':
        return { say: 'loaded', id, models: [...this.#sets.values()].map((set) => set.describe()) };
      case 'generate':
        return this.#generate(id, ask.key, ask.question);
      case 'openVocabulary': {
        const model = await this.#vocabularies.take(ask.file);
        this.#open.set(ask.file.digest, model);
        const { shouldPrependBosToken, bosString } = model.tokens;
        const beginning = shouldPrependBosToken && bosString !== null ? { bos: bosString } : {};
        return { say: 'opened', id, beginning, marks: await marksOf(model) };
      }
      case 'countTokens': {
        const model = this.#open.get(ask.digest);
        if (model === undefined) throw notLoaded('a vocabulary');
        return { say: 'counted', id, tokens: tokensOf(model, ask.text).length };
      }
      case 'closeVocabulary':
        await this.#vocabularies.giveBack(ask.digest);
        if (!this.#vocabularies.holds(ask.digest)) this.#open.delete(ask.digest);
        return { say: 'done', id };
    }
  }

  async #generate(id: number, key: string, question: Question): Promise<Say> {
    const set = this.#sets.get(key);
    if (set === undefined) throw notLoaded(key);
    this.#answering.add(id);
    try {
      const grammar = question.format === undefined ? undefined : await this.#grammar(question.format);
      const isCancelled = (): boolean => this.#cancelled.has(id);
      return {
        say: 'end',
        id,
        end: await answer(set, question, grammar, { isCancelled, say: (text) => say({ say: 'text', id, text }) }),
      };
    } finally {
      this.#answering.delete(id);
      this.#cancelled.delete(id);
    }
  }

  #grammar(format: Readonly<Record<string, unknown>>): Promise<LlamaGrammar> {
    const name = JSON.stringify(format);
    const known = this.#grammars.get(name);
    if (known !== undefined) return known;
    const made = grammarFor(this.#llama, format);
    const oldest = this.#grammars.keys().next();
    if (this.#grammars.size >= MOST_GRAMMARS && !oldest.done) this.#grammars.delete(oldest.value);
    this.#grammars.set(name, made);
    return made;
  }
}

function say(message: Say): void {
  if (process.connected) process.send?.(message);
}

/** What went wrong while it held a caller's text is told without the exception's own words. */
function refusalOf({ ask, id }: Ask, cause: unknown): Say {
  if (cause instanceof RuntimeRefusal) return { say: 'refused', id, code: cause.code, reason: cause.message };
  const why = ask === 'generate' || ask === 'countTokens' ? '' : ` (${String(cause).slice(0, 300)})`;
  return { say: 'refused', id, code: 'runtimeFailed', reason: `llama.cpp failed at ${ask}${why}; see its version.` };
}

function versionOf(llama: Llama): string {
  const manifest = new URL('../package.json', import.meta.resolve('node-llama-cpp'));
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string };
  return `${version} (llama.cpp ${llama.llamaCppRelease.release})`;
}

process.on('disconnect', () => process.exit(0));
try {
  const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, maxThreads: 0, progressLogs: false });
  llama.logger = () => undefined;
  const child = new Child(llama);
  process.on('message', (ask) => void child.hear(ask as Ask));
  say({ say: 'ready', version: versionOf(llama) });
} catch (cause) {
  say({ say: 'cannotStart', reason: String(cause).slice(0, 500) });
  process.disconnect();
}
