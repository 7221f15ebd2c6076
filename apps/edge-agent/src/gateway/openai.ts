import { ERRORS, STREAM_OPTIONS, type AnsweringApi, type Refusal } from '@openward/contracts';
import type { Conversation } from './conversation.ts';
import type { Dialect, Ending, ReplyFacts } from './dialect.ts';
import {
  checkedBody,
  checkedObject,
  optionalBoolean,
  optionalCount,
  stops,
  text,
  turnsOf,
  type Body,
} from './fields.ts';

const seconds = (ms: number): number => Math.floor(ms / 1000);
const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const usage = ({ promptTokens, completionTokens }: Ending) => ({
  prompt_tokens: promptTokens,
  completion_tokens: completionTokens,
  total_tokens: promptTokens + completionTokens,
});

export const openAiError = (refusal: Refusal) => ({
  error: {
    message: refusal.message,
    type:
      refusal.status >= 500
        ? 'server_error'
        : refusal.status === 401
          ? 'authentication_error'
          : 'invalid_request_error',
    param: /`([^`]+)`/.exec(refusal.message)?.[1] ?? null,
    code: refusal.code,
    // No field of theirs, and none that a client of theirs trips over.
    next: ERRORS[refusal.code].next,
  },
});

const shared = (
  api: AnsweringApi,
  body: Body,
): Pick<Conversation, 'service' | 'stream' | 'stop' | 'includeUsage' | 'asked'> => ({
  asked: { api, body },
  service: text(body, 'model'),
  stream: optionalBoolean(body, 'stream', false),
  stop: stops(body['stop']),
  includeUsage: optionalBoolean(checkedObject(STREAM_OPTIONS, body, 'stream_options'), 'include_usage', false),
});

const common = {
  streamType: 'text/event-stream',
  error: openAiError,
  failed: (refusal: Refusal) => event(openAiError(refusal)),
};

const chunk = ({ id, service, createdMs }: ReplyFacts, choices: readonly unknown[], rest: object = {}): string =>
  event({
    id: `chatcmpl-${id}`,
    object: 'chat.completion.chunk',
    created: seconds(createdMs),
    model: service,
    choices,
    ...rest,
  });

export const openAiChat: Dialect = {
  ...common,
  parse(raw) {
    const body = checkedBody('openai.chat', raw);
    const maxTokens = optionalCount(body, 'max_completion_tokens') ?? optionalCount(body, 'max_tokens');
    return { ...shared('openai.chat', body), maxTokens, ...turnsOf(body['messages']) };
  },
  whole: ({ id, service, createdMs }, content, ending) => ({
    id: `chatcmpl-${id}`,
    object: 'chat.completion',
    created: seconds(createdMs),
    model: service,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content, refusal: null },
        logprobs: null,
        finish_reason: ending.finishReason,
      },
    ],
    usage: usage(ending),
  }),
  first: (facts) => chunk(facts, [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }]),
  piece: (facts, content) => chunk(facts, [{ index: 0, delta: { content }, finish_reason: null }]),
  last: (facts, ending, { includeUsage }) =>
    chunk(facts, [{ index: 0, delta: {}, finish_reason: ending.finishReason }]) +
    (includeUsage ? chunk(facts, [], { usage: usage(ending) }) : '') +
    'data: [DONE]\n\n',
};

const completion = (
  { id, service, createdMs }: ReplyFacts,
  said: string,
  finish: string | null,
  rest: object = {},
) => ({
  id: `cmpl-${id}`,
  object: 'text_completion',
  created: seconds(createdMs),
  model: service,
  choices: [{ index: 0, text: said, logprobs: null, finish_reason: finish }],
  ...rest,
});

export const openAiCompletion: Dialect = {
  ...common,
  parse(raw) {
    const body = checkedBody('openai.completions', raw);
    return {
      ...shared('openai.completions', body),
      maxTokens: optionalCount(body, 'max_tokens'),
      hasSystem: false,
      turns: [{ role: 'user', text: text(body, 'prompt') }],
    };
  },
  whole: (facts, said, ending) => completion(facts, said, ending.finishReason, { usage: usage(ending) }),
  first: () => '',
  piece: (facts, said) => event(completion(facts, said, null)),
  last: (facts, ending, { includeUsage }) =>
    event(completion(facts, '', ending.finishReason)) +
    (includeUsage ? event({ ...completion(facts, '', null, { usage: usage(ending) }), choices: [] }) : '') +
    'data: [DONE]\n\n',
};

export const openAiModel = (service: string, createdMs: number) => ({
  id: service,
  object: 'model',
  created: seconds(createdMs),
  owned_by: 'openward',
});
