import type { PolicyParameter } from './policy.ts';

// G1: one table for every field of every API that the gateway speaks. `forwarded` reaches the answer (bounded by the release);
// `ignored` changes nothing that the release decides, so an unmodified client may send it; `refused` would change meaning, and
// is a 400 that names the field. A field that stands nowhere is refused too: what cannot be checked is refused.

export type FieldRule = 'forwarded' | 'ignored' | 'refused';

/** `refused` applies to a value that is present and is not in `unless`: what it takes to mean "not used". */
export interface Field {
  readonly rule: FieldRule;
  readonly unless?: readonly unknown[];
}

const forwarded: Field = { rule: 'forwarded' };
const ignored: Field = { rule: 'ignored' };
const refused: Field = { rule: 'refused', unless: [null] };
const refusedUnless = (...unless: readonly unknown[]): Field => ({ rule: 'refused', unless: [null, ...unless] });

export const GatewayApi = [
  'openai.chat',
  'openai.completions',
  'openai.embeddings',
  'ollama.chat',
  'ollama.generate',
  'ollama.embed',
  'ollama.show',
] as const;
export type GatewayApi = (typeof GatewayApi)[number];

/**
 * Sampling is the release's: a client's wish is ignored, since to refuse it would break every SDK's defaults. A policy may bound
 * or deny it (`GATEWAY_PARAMETERS`).
 */
const OPENAI_SAMPLING = {
  temperature: ignored,
  top_p: ignored,
  seed: ignored,
  presence_penalty: refusedUnless(0),
  frequency_penalty: refusedUnless(0),
  logit_bias: refusedUnless(),
} as const;

export const GATEWAY_FIELDS: Readonly<Record<GatewayApi, Readonly<Record<string, Field>>>> = {
  'openai.chat': {
    model: forwarded,
    messages: forwarded,
    stream: forwarded,
    stream_options: forwarded,
    max_tokens: forwarded,
    max_completion_tokens: forwarded,
    stop: forwarded,
    ...OPENAI_SAMPLING,
    n: refusedUnless(1),
    logprobs: refusedUnless(false),
    top_logprobs: refusedUnless(0),
    response_format: { rule: 'refused', unless: [null] },
    tools: refused,
    tool_choice: refusedUnless('none', 'auto'),
    parallel_tool_calls: ignored,
    functions: refused,
    function_call: refusedUnless('none', 'auto'),
    modalities: refused,
    audio: refused,
    prediction: refused,
    reasoning_effort: refused,
    verbosity: refused,
    web_search_options: refused,
    store: refusedUnless(false),
    metadata: ignored,
    user: ignored,
    safety_identifier: ignored,
    prompt_cache_key: ignored,
    service_tier: ignored,
  },
  'openai.completions': {
    model: forwarded,
    prompt: forwarded,
    stream: forwarded,
    stream_options: forwarded,
    max_tokens: forwarded,
    stop: forwarded,
    ...OPENAI_SAMPLING,
    n: refusedUnless(1),
    best_of: refusedUnless(1),
    echo: refusedUnless(false),
    suffix: refused,
    logprobs: refusedUnless(0),
    user: ignored,
  },
  'openai.embeddings': { model: refused, input: refused, encoding_format: refused, dimensions: refused, user: refused },
  'ollama.chat': {
    model: forwarded,
    messages: forwarded,
    stream: forwarded,
    options: forwarded,
    keep_alive: ignored,
    tools: refused,
    format: refusedUnless(''),
    think: refusedUnless(false),
    logprobs: refusedUnless(false),
    top_logprobs: refusedUnless(0),
    truncate: ignored,
    shift: ignored,
  },
  'ollama.generate': {
    model: forwarded,
    prompt: forwarded,
    system: forwarded,
    stream: forwarded,
    options: forwarded,
    keep_alive: ignored,
    raw: refusedUnless(false),
    template: refusedUnless(''),
    context: refusedUnless(),
    suffix: refusedUnless(''),
    images: refused,
    format: refusedUnless(''),
    think: refusedUnless(false),
    logprobs: refusedUnless(false),
    top_logprobs: refusedUnless(0),
    truncate: ignored,
    shift: ignored,
    width: refused,
    height: refused,
    steps: refused,
  },
  'ollama.embed': {
    model: refused,
    input: refused,
    prompt: refused,
    truncate: refused,
    options: refused,
    keep_alive: refused,
    dimensions: refused,
  },
  'ollama.show': {
    model: forwarded,
    name: forwarded,
    verbose: ignored,
    system: ignored,
    template: ignored,
    options: ignored,
  },
};

/**
 * Fields of Ollama's `options`. How to sample is the release's to say and how to load the node's, so the wishes that its own clients
 * know are ignored, penalties too; what would make another thing of the reply is refused, as is what nobody knows.
 */
export const OLLAMA_OPTIONS: Readonly<Record<string, Field>> = {
  num_predict: forwarded,
  stop: forwarded,
  temperature: ignored,
  top_p: ignored,
  seed: ignored,
  top_k: ignored,
  min_p: ignored,
  typical_p: ignored,
  tfs_z: ignored,
  repeat_last_n: ignored,
  repeat_penalty: ignored,
  presence_penalty: ignored,
  frequency_penalty: ignored,
  penalize_newline: ignored,
  mirostat: ignored,
  mirostat_tau: ignored,
  mirostat_eta: ignored,
  num_ctx: ignored,
  num_batch: ignored,
  num_keep: ignored,
  num_gpu: ignored,
  num_thread: ignored,
  main_gpu: ignored,
  numa: ignored,
  low_vram: ignored,
  f16_kv: ignored,
  use_mmap: ignored,
  use_mlock: ignored,
  logits_all: refusedUnless(false),
  vocab_only: refusedUnless(false),
  embedding_only: refusedUnless(false),
};

/** Fields of OpenAI's `stream_options`. */
export const STREAM_OPTIONS: Readonly<Record<string, Field>> = {
  include_usage: forwarded,
  include_obfuscation: ignored,
};

type Spellings = Readonly<Record<PolicyParameter, readonly string[]>>;

const OPENAI_PARAMETERS: Spellings = {
  temperature: ['temperature'],
  topP: ['top_p'],
  seed: ['seed'],
  maxTokens: ['max_tokens'],
  stop: ['stop'],
};
const OLLAMA_PARAMETERS: Spellings = {
  temperature: ['options.temperature'],
  topP: ['options.top_p'],
  seed: ['options.seed'],
  maxTokens: ['options.num_predict'],
  stop: ['options.stop'],
};

/**
 * How each API that answers spells what a policy's parameter rules are about. `options.` is a field of Ollama's options; where a
 * request has two spellings, the first in the list counts.
 */
export const GATEWAY_PARAMETERS = {
  'openai.chat': { ...OPENAI_PARAMETERS, maxTokens: ['max_completion_tokens', 'max_tokens'] },
  'openai.completions': OPENAI_PARAMETERS,
  'ollama.chat': OLLAMA_PARAMETERS,
  'ollama.generate': OLLAMA_PARAMETERS,
} as const satisfies Partial<Record<GatewayApi, Spellings>>;
export type AnsweringApi = keyof typeof GATEWAY_PARAMETERS;

/** Fields of one message. Content parts of type `text` are joined; any other part is refused. */
export const MESSAGE_FIELDS: Readonly<Record<string, Field>> = {
  role: forwarded,
  content: forwarded,
  name: ignored,
  images: refused,
  tool_calls: refused,
  tool_call_id: refused,
  tool_name: refused,
  function_call: refused,
  audio: refused,
  refusal: refused,
  thinking: refused,
  annotations: ignored,
};

/** Fields of a content part of type `text`. */
export const PART_FIELDS: Readonly<Record<string, Field>> = {
  type: forwarded,
  text: forwarded,
  cache_control: ignored,
};
