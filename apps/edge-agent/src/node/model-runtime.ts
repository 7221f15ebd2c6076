import { Unrecoverable, type Chain, type Held, type ModelRuntime } from '@openward/activation';
import { digestOf, type ArtifactRef, type Digest, type Log } from '@openward/contracts';
import type { NodeStore } from '@openward/distribution';
import {
  LlamaChild,
  LlamaRuntime,
  openVocabulary,
  RuntimeRefusal,
  type LoadedModel,
  type ModelFile,
  type Runtime,
  type Vocabulary,
} from '@openward/runtime';
import type { AgentConfig } from '../config.ts';
import type { Documents } from './documents.ts';
import { pathsOf } from './files.ts';
import { KeptKeys } from './kept-keys.ts';

/**
 * The name under which a runtime holds files: the same on every start, and for every release that would load the same. So a
 * release that changes nothing but its policy loads nothing.
 */
export const keyOf = (files: {
  readonly artifact: ArtifactRef;
  readonly base?: ArtifactRef | undefined;
  readonly contextLength: number;
}): string => {
  const { artifact, base, contextLength } = files;
  return `ow-${digestOf({ artifact: artifact.file, base: base?.file ?? null, contextLength }).slice(7, 39)}`;
};

/** Whichever runtime serves, the embedded child counts tokens (G2). */
export interface Runtimes {
  readonly runtime: Runtime;
  readonly openVocabulary: (file: ModelFile) => Promise<Vocabulary>;
  close(): Promise<void>;
}

export async function openRuntimes(config: AgentConfig, child: LlamaChild): Promise<Runtimes> {
  const open = (file: ModelFile) => openVocabulary(child, file);
  const runtime = config.runtime.kind === 'llamaCpp' ? new LlamaRuntime({ child }) : await openOllama(config, open);
  return {
    runtime,
    openVocabulary: open,
    async close() {
      await runtime.close();
      await child.close();
    },
  };
}

/** Loaded where it is used: its HTTP client is a fifth of what an agent has to read at its start. */
async function openOllama({ runtime }: AgentConfig, open: Runtimes['openVocabulary']): Promise<Runtime> {
  const { OllamaRuntime } = await import('@openward/runtime/ollama');
  const { ollamaUrls, allowUnsafeVersion } = runtime;
  return new OllamaRuntime({ urls: ollamaUrls, openVocabulary: open, allowUnsafeVersion });
}

export interface LoadedReleases extends ModelRuntime {
  /** Loads where it is not loaded, and gives the key. */
  ensure(held: Held): Promise<string>;
  countTokens(held: Held, text: string): Promise<number>;
  /** What no message may hold, whichever runtime serves: the same list as long as the file is loaded. */
  marks(held: Held): Promise<readonly string[]>;
  /** What the runtime may store something for, of earlier starts too. */
  keys(): readonly string[];
  /** Gives up what the runtime stores under this key. */
  remove(key: string): Promise<void>;
  /** How many are loaded now. */
  readonly size: number;
  /** How often the runtime has loaded each file since the start: what a change of policy alone does not raise. */
  readonly loads: Readonly<Record<Digest, number>>;
}

export function createModelRuntime(options: {
  readonly runtimes: Runtimes;
  readonly store: NodeStore;
  readonly documents: Documents;
  readonly config: AgentConfig;
  readonly log: Log;
}): LoadedReleases {
  const { runtimes, store, documents, config, log } = options;
  const { runtime } = runtimes;
  const vocabularies = new Map<Digest, Promise<Vocabulary>>();
  const keys = new KeptKeys(pathsOf(config.dataDir).runtimeKeys);
  /** Each loaded key, and the file whose vocabulary counts for it. */
  const loadedKeys = new Map<string, Digest>();
  const loads: Record<Digest, number> = {};

  const fileOf = async (artifact: ArtifactRef): Promise<ModelFile> => {
    const path = await store.find(artifact.file);
    if (path === undefined) throw new Unrecoverable('targetMissing', `the file ${artifact.file} is not on this disk`);
    return { path, digest: artifact.file };
  };
  const load = async (held: Held, signal?: AbortSignal): Promise<Chain> => {
    const release = await documents.release(held.release, held.document);
    const weights = await fileOf(held.artifact);
    const base = held.base === undefined ? undefined : await fileOf(held.base);
    keys.add(held.key);
    const request = {
      key: held.key,
      ...(base === undefined ? { base: weights } : { base, adapter: weights }),
      contextLength: release.model.contextLength,
      threads: config.runtime.threadsPerRequest ?? config.runtime.threads,
      parallel: config.runtime.parallel,
    };
    const loaded = await runtime.load(request, signal);
    if (!loadedKeys.has(held.key)) loads[held.artifact.file] = (loads[held.artifact.file] ?? 0) + 1;
    const chain = { base: loaded.base, ...(loaded.adapter === undefined ? {} : { adapter: loaded.adapter }) };
    loadedKeys.set(held.key, countedBy(held).file);
    return chain;
  };
  const vocabularyOf = (held: Held): Promise<Vocabulary> => {
    const artifact = countedBy(held);
    const known = vocabularies.get(artifact.file);
    if (known !== undefined) return known;
    const opening = fileOf(artifact).then(runtimes.openVocabulary);
    vocabularies.set(artifact.file, opening);
    opening.catch(() => vocabularies.delete(artifact.file));
    return opening;
  };

  /** The vocabulary goes with the last loaded key that it counts for. */
  const letGo = async (key: string): Promise<void> => {
    const file = loadedKeys.get(key);
    loadedKeys.delete(key);
    if (file === undefined || [...loadedKeys.values()].includes(file)) return;
    const opened = vocabularies.get(file);
    vocabularies.delete(file);
    // One that could not be opened, or whose process has gone, holds nothing.
    await opened?.then((vocabulary) => vocabulary.close()).catch(() => undefined);
  };

  return {
    async load(held, signal) {
      const chain = await load(held, signal);
      await vocabularyOf(held);
      return chain;
    },
    async unload(key) {
      await runtime.unload(key);
      await letGo(key);
    },
    async remove(key) {
      await runtime.remove(key);
      await letGo(key);
      keys.delete(key);
    },
    onExit: (listener) =>
      runtime.onExit(({ reason }) => {
        log.error('runtime.exited', { reason });
        listener();
      }),
    async ensure(held) {
      const chain = await load(held);
      if (held.chain !== null && !isSameChain(chain, held.chain))
        throw new RuntimeRefusal('digestMismatch', `the runtime holds other files under ${held.key} than were staged`);
      return held.key;
    },
    countTokens: async (held, text) => (await vocabularyOf(held)).countTokens(text),
    marks: async (held) => (await vocabularyOf(held)).marks,
    keys: () => keys.list(),
    get size() {
      return loadedKeys.size;
    },
    loads,
  };
}

const countedBy = (held: Held): ArtifactRef => held.base ?? held.artifact;

/** N8: what a runtime reports now, against what was written at staging. */
export const isSameChain = (now: Pick<LoadedModel, 'base' | 'adapter'>, staged: Chain): boolean =>
  now.base === staged.base && now.adapter === staged.adapter;
