import { ERRORS, OLLAMA_OPTIONS, type AnsweringApi, type Refusal } from '@openward/contracts';
import type { Dialect, Ending, ReplyFacts } from './dialect.ts';
import {
  checkedBody,
  checkedObject,
  optionalBoolean,
  optionalCount,
  optionalText,
  stops,
  text,
  turnsOf,
  type Body,
} from './fields.ts';

const line = (value: unknown): string => `${JSON.stringify(value)}\n`;
const NANOSECONDS = 1_000_000;

export const ollamaError = (refusal: Refusal) => ({
  error: refusal.message,
  code: refusal.code,
  next: ERRORS[refusal.code].next,
});

const heading = ({ service, createdMs }: ReplyFacts) => ({
  model: service,
  created_at: new Date(createdMs).toISOString(),
});

/** Times that the gateway does not measure apart are zero, not guessed. */
const totals = ({ finishReason, promptTokens, completionTokens, elapsedMs }: Ending) => ({
  done: true,
  done_reason: finishReason,
  total_duration: Math.round(elapsedMs * NANOSECONDS),
  load_duration: 0,
  prompt_eval_count: promptTokens,
  prompt_eval_duration: 0,
  eval_count: completionTokens,
  eval_duration: Math.round(elapsedMs * NANOSECONDS),
});

const shared = (api: AnsweringApi, body: Body) => {
  const options = checkedObject(OLLAMA_OPTIONS, body, 'options');
  return {
    asked: { api, body },
    service: text(body, 'model').replace(/:latest$/, ''),
    stream: optionalBoolean(body, 'stream', true),
    maxTokens: optionalCount(options, 'num_predict'),
    stop: stops(options['stop']),
    includeUsage: true,
  };
};

const common = {
  streamType: 'application/x-ndjson',
  error: ollamaError,
  failed: (refusal: Refusal) => line(ollamaError(refusal)),
  first: () => '',
};

export const ollamaChat: Dialect = {
  ...common,
  parse(raw) {
    const body = checkedBody('ollama.chat', raw);
    return { ...shared('ollama.chat', body), ...turnsOf(body['messages']) };
  },
  whole: (facts, content, ending) => ({
    ...heading(facts),
    message: { role: 'assistant', content },
    ...totals(ending),
  }),
  piece: (facts, content) => line({ ...heading(facts), message: { role: 'assistant', content }, done: false }),
  last: (facts, ending) => line({ ...heading(facts), message: { role: 'assistant', content: '' }, ...totals(ending) }),
};

export const ollamaGenerate: Dialect = {
  ...common,
  parse(raw) {
    const body = checkedBody('ollama.generate', raw);
    const system = optionalText(body, 'system');
    const messages = [
      ...(system === '' ? [] : [{ role: 'system', content: system }]),
      { role: 'user', content: text(body, 'prompt') },
    ];
    return { ...shared('ollama.generate', body), ...turnsOf(messages) };
  },
  whole: (facts, response, ending) => ({ ...heading(facts), response, ...totals(ending) }),
  piece: (facts, response) => line({ ...heading(facts), response, done: false }),
  last: (facts, ending) => line({ ...heading(facts), response: '', ...totals(ending) }),
};

export const ollamaModel = (service: string, createdMs: number, digest: string, size: number) => ({
  name: service,
  model: service,
  modified_at: new Date(createdMs).toISOString(),
  size,
  digest: digest.replace('sha256:', ''),
  details: { parent_model: '', format: 'gguf', family: '', families: [], parameter_size: '', quantization_level: '' },
});
