import { Unrecoverable, type Chain, type Held, type ModelRuntime } from '@openward/activation';
import { digestOf, ReasonCode, type ArtifactRef, type Digest } from '@openward/contracts';
import type { NodeStore } from '@openward/distribution';
import {
  LlamaChild,
  LlamaRuntime,
  OllamaRuntime,
  openVocabulary,
  RuntimeRefusal,
  type ModelFile,
  type Runtime,
  type Vocabulary,
} from '@openward/runtime';
import type { AgentConfig } from '../config.ts';
import type { Documents } from './documents.ts';

/** The name under which a runtime holds a release in a variant: the same on every start. */
export const keyOf = (release: Digest, variant: string): string => `ow-${digestOf({ release, variant }).slice(7, 39)}`;

/** Whichever runtime serves, the embedded child counts tokens (G2). */
export interface Runtimes {
  readonly runtime: Runtime;
  readonly openVocabulary: (file: ModelFile) => Promise<Vocabulary>;
  close(): Promise<void>;
}

export function openRuntimes(config: AgentConfig, child: LlamaChild): Runtimes {
  const open = (file: ModelFile) => openVocabulary(child, file);
  const runtime: Runtime =
    config.runtime.kind === 'llamaCpp'
      ? new LlamaRuntime({ child })
      : new OllamaRuntime({
          urls: config.runtime.ollamaUrls,
          openVocabulary: open,
          allowUnsafeVersion: config.runtime.allowUnsafeVersion,
        });
  return {
    runtime,
    openVocabulary: open,
    async close() {
      await runtime.close();
      await child.close();
    },
  };
}

export interface LoadedReleases extends ModelRuntime {
  /** Loads where it is not loaded, and gives the key. */
  ensure(held: Held): Promise<string>;
  countTokens(held: Held, text: string): Promise<number>;
  keys(): readonly string[];
}

/** Codes of a runtime that no second try would change. */
const HOPELESS = new Set(['modelNotLoadable', 'digestMismatch', 'needsSwap']);

export function createModelRuntime(options: {
  readonly runtimes: Runtimes;
  readonly store: NodeStore;
  readonly documents: Documents;
  readonly config: AgentConfig;
}): LoadedReleases {
  const { runtimes, store, documents, config } = options;
  const { runtime } = runtimes;
  const vocabularies = new Map<Digest, Promise<Vocabulary>>();
  const keys = new Set<string>();

  const fileOf = async (artifact: ArtifactRef): Promise<ModelFile> => {
    const path = await store.find(artifact.file);
    if (path === undefined) throw new Unrecoverable('targetMissing', `the file ${artifact.file} is not on this disk`);
    return { path, digest: artifact.file };
  };
  const load = async (held: Held): Promise<Chain> => {
    const release = await documents.release(held.release, held.document);
    const weights = await fileOf(held.artifact);
    const base = held.base === undefined ? undefined : await fileOf(held.base);
    keys.add(held.key);
    const loaded = await runtime.load({
      key: held.key,
      ...(base === undefined ? { base: weights } : { base, adapter: weights }),
      contextLength: release.model.contextLength,
      threads: config.runtime.threadsPerRequest ?? config.runtime.threads,
      parallel: config.runtime.parallel,
    });
    return { base: loaded.base, ...(loaded.adapter === undefined ? {} : { adapter: loaded.adapter }) };
  };
  const vocabularyOf = (held: Held): Promise<Vocabulary> => {
    const artifact = held.base ?? held.artifact;
    const known = vocabularies.get(artifact.file);
    if (known !== undefined) return known;
    const opening = fileOf(artifact).then(runtimes.openVocabulary);
    vocabularies.set(artifact.file, opening);
    opening.catch(() => vocabularies.delete(artifact.file));
    return opening;
  };

  return {
    async load(held) {
      try {
        const chain = await load(held);
        await vocabularyOf(held);
        return chain;
      } catch (error) {
        throw asReason(error);
      }
    },
    unload: (key) => runtime.unload(key),
    onExit: (listener) => runtime.onExit(() => listener()),
    async ensure(held) {
      await load(held);
      return held.key;
    },
    countTokens: async (held, text) => (await vocabularyOf(held)).countTokens(text),
    keys: () => [...keys],
  };
}

function asReason(error: unknown): unknown {
  if (!(error instanceof RuntimeRefusal) || !HOPELESS.has(error.code)) return error;
  const code = ReasonCode.safeParse(error.code);
  return code.success ? new Unrecoverable(code.data, error.message, { cause: error }) : error;
}
