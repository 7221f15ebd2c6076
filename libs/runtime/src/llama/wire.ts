/**
 * What the agent and the child that runs llama.cpp say to each other over Node's IPC channel, as JSON. Types only: the
 * child must start fast, and the agent checks what the child says with `heard.ts`, since it does not trust it (N9).
 */
import type { RuntimeRefusalCode } from '../refusal.ts';
import type { LoadedModel, LoadRequest, ModelFile } from '../port.ts';

export interface Question {
  readonly prompt: string;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number;
  readonly stop: readonly string[];
  readonly format?: Readonly<Record<string, unknown>>;
}

export type Ask =
  | { readonly ask: 'load'; readonly id: number; readonly request: LoadRequest }
  | { readonly ask: 'unload'; readonly id: number; readonly key: string }
  | { readonly ask: 'loaded'; readonly id: number }
  | { readonly ask: 'generate'; readonly id: number; readonly key: string; readonly question: Question }
  | { readonly ask: 'openVocabulary'; readonly id: number; readonly file: ModelFile }
  | { readonly ask: 'countTokens'; readonly id: number; readonly digest: string; readonly text: string }
  | { readonly ask: 'closeVocabulary'; readonly id: number; readonly digest: string }
  /** Stops the generation with this id. It is answered all the same, with `end` or with `aborted`. */
  | { readonly ask: 'cancel'; readonly id: number };

export interface End {
  readonly finishReason: 'stop' | 'length';
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** How the vocabulary begins a text: the token's own text, where it adds one by itself. */
export interface Beginning {
  readonly bos?: string;
}

export type Say =
  | { readonly say: 'ready'; readonly version: string }
  | { readonly say: 'cannotStart'; readonly reason: string }
  | { readonly say: 'text'; readonly id: number; readonly text: string }
  | { readonly say: 'end'; readonly id: number; readonly end: End }
  | { readonly say: 'loaded'; readonly id: number; readonly models: readonly LoadedModel[] }
  | {
      readonly say: 'opened';
      readonly id: number;
      readonly beginning: Beginning;
      /** `Vocabulary.marks`. */
      readonly marks: readonly string[];
    }
  | { readonly say: 'counted'; readonly id: number; readonly tokens: number }
  | { readonly say: 'done'; readonly id: number }
  | { readonly say: 'refused'; readonly id: number; readonly code: RuntimeRefusalCode; readonly reason: string };
