/**
 * What the agent asks of a model runtime, and nothing else. Two adapters serve it (embedded llama.cpp and Ollama), and
 * `contract.ts` is the one test that both pass.
 *
 * Every method rejects with a `RuntimeRefusal`, whose code says why, and with nothing else. Prompts and replies pass
 * through; no adapter writes either to a disk, a log or an error's message.
 */

/** A file on this machine. Its digest is what the release says; the runtime reports for itself what it opened (N8). */
export interface ModelFile {
  readonly path: string;
  /** `sha256:` and 64 lower-case hex digits. */
  readonly digest: string;
}

export interface LoadRequest {
  /** The set's own name, `[a-z0-9-]{1,64}`. */
  readonly key: string;
  readonly base: ModelFile;
  readonly adapter?: ModelFile;
  /** Tokens, prompt and reply together, for each request. */
  readonly contextLength: number;
  readonly threads: number;
  /** Requests that this set answers at the same time. */
  readonly parallel: number;
}

export interface LoadedModel {
  readonly key: string;
  /** Digests as the runtime reports them, or as hashed from the very bytes that it opened (N8); never copied from the request. */
  readonly base: string;
  readonly adapter?: string;
  /** Weights and caches, in bytes, as the runtime tells or estimates them. */
  readonly memoryBytes: number;
}

export interface GenerateRequest {
  /** The key of a loaded set. */
  readonly model: string;
  /** Already rendered with the model's template. Special tokens in it are special; a BOS token is added only where the vocabulary asks for one and the prompt lacks it. */
  readonly prompt: string;
  readonly maxTokens: number;
  /** 0 is greedy: the same prompt gives the same reply. */
  readonly temperature: number;
  readonly topP?: number;
  readonly seed?: number;
  /** The reply ends before the first of these; none of them is part of it. */
  readonly stop: readonly string[];
  /** A JSON schema that the reply must satisfy. */
  readonly format?: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal;
}

export type GenerateEvent =
  | { readonly type: 'text'; readonly text: string }
  | {
      readonly type: 'end';
      readonly finishReason: 'stop' | 'length';
      readonly promptTokens: number;
      readonly completionTokens: number;
    };

/** One measure that keeps the runtime's process apart (N9), and whether it holds on this machine. */
export interface IsolationMeasure {
  readonly name: 'separateProcess' | 'noNetwork' | 'limitedFiles' | 'limitedScript' | 'noCoreDump';
  readonly holds: boolean;
  readonly why: string;
}

export interface RuntimeDescription {
  readonly kind: RuntimeKind;
  /** As the runtime tells it; `unknown` where it does not. */
  readonly version: string;
  /** No known hole is open in this version (N8). */
  readonly knownSafe: boolean;
  /** This version is one that Openward is tested with. */
  readonly tested: boolean;
  readonly isolation: readonly IsolationMeasure[];
}

export type RuntimeKind = 'llamaCpp' | 'ollama';

export interface RuntimeExit {
  readonly at: 'runtime';
  readonly reason: string;
}

export interface Runtime {
  readonly kind: RuntimeKind;

  /** Answers also where the runtime is refused for its version. */
  describe(): Promise<RuntimeDescription>;

  /**
   * Loads the set and warms it up; when it returns, the next reply needs no load. The same key with the same digests
   * does nothing; with others it is `invalidRequest` until the key is unloaded. A broken file leaves the rest serving.
   * An abort is `aborted`, at once, and what was loaded so far is let go; a load that hangs is ended, and is `runtimeFailed`.
   */
  load(request: LoadRequest, signal?: AbortSignal): Promise<LoadedModel>;

  /**
   * Streams a reply: texts, then one `end`. Joined, the texts are the whole reply. An abort ends the iteration with
   * `aborted`, frees the slot at once, and stops the work; so does leaving the loop early.
   */
  generate(request: GenerateRequest): AsyncIterable<GenerateEvent>;

  /** Frees the memory. A key that is not loaded is no error. What the runtime stores stays, for a fast load. */
  unload(key: string): Promise<void>;

  loaded(): Promise<readonly LoadedModel[]>;

  /** Unloads, and frees what the runtime stores besides (Ollama's own copy) unless another key still needs it. */
  remove(key: string): Promise<void>;

  /**
   * Calls back each time a process of the runtime ends that nobody asked to end (N4 counts them). It is started anew and
   * what was loaded is loaded again, without being asked. Returns the way to stop listening.
   */
  onExit(listener: (exit: RuntimeExit) => void): () => void;

  /** Ends the processes that this object started. Idempotent. Everything after it is `closed`. */
  close(): Promise<void>;
}

/** A model's own tokenizer, without its weights (G2). */
export interface Vocabulary {
  /**
   * Texts that the tokenizer takes for a token with a meaning of its own wherever a prompt holds them, as they are written. Each has two
   * characters or more; one that is very long is told by its beginning.
   */
  readonly marks: readonly string[];
  countTokens(text: string): Promise<number>;
  close(): Promise<void>;
}
