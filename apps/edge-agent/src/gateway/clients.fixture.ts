import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { KEY } from './release.fixture.ts';

// How the clinic's applications ask a gateway: unmodified clients in every way that they have, and plain HTTP.

export interface Exchange {
  readonly text: string;
  readonly finish: string | null;
  readonly headers: Headers;
}

export type Message = { readonly role: 'system' | 'user' | 'assistant'; readonly content: string };

/** Every way in which an unmodified client asks for a conversation. */
export const WAYS: Readonly<
  Record<string, (url: string, messages: Message[], headers?: Record<string, string>) => Promise<Exchange>>
> = {
  'openai, whole': async (url, messages, headers) => {
    const { data, response } = await openAi(url, headers)
      .chat.completions.create({ model: 'triage', messages })
      .withResponse();
    const [choice] = data.choices;
    return {
      text: choice?.message.content ?? '',
      finish: choice?.finish_reason ?? null,
      headers: response.headers,
    };
  },
  'openai, streamed': async (url, messages, headers) => {
    const { data, response } = await openAi(url, headers)
      .chat.completions.create({ model: 'triage', messages, stream: true })
      .withResponse();
    let [text, finish]: [string, string | null] = ['', null];
    for await (const { choices } of data) {
      text += choices[0]?.delta.content ?? '';
      finish = choices[0]?.finish_reason ?? finish;
    }
    return { text, finish, headers: response.headers };
  },
  'ollama, whole': async (url, messages, headers) => {
    const { client, last } = ollama(url, headers);
    const { message, done_reason } = await client.chat({ model: 'triage', messages });
    return { text: message.content, finish: done_reason, headers: last() };
  },
  'ollama, streamed': async (url, messages, headers) => {
    const { client, last } = ollama(url, headers);
    let [text, finish]: [string, string | null] = ['', null];
    for await (const part of await client.chat({ model: 'triage', messages, stream: true })) {
      text += part.message.content;
      finish = part.done ? part.done_reason : finish;
    }
    return { text, finish, headers: last() };
  },
};

type Ask = (typeof WAYS)[string];

/** The same for the endpoints that take a prompt: the last message. */
export const PROMPT_WAYS: Readonly<Record<string, Ask>> = {
  'openai, completion': async (url, messages) => {
    const prompt = messages.at(-1)?.content ?? '';
    const { data, response } = await openAi(url).completions.create({ model: 'triage', prompt }).withResponse();
    const [choice] = data.choices;
    return { text: choice?.text ?? '', finish: choice?.finish_reason ?? null, headers: response.headers };
  },
  'openai, completion streamed': async (url, messages) => {
    const prompt = messages.at(-1)?.content ?? '';
    const { data, response } = await openAi(url)
      .completions.create({ model: 'triage', prompt, stream: true })
      .withResponse();
    let [text, finish]: [string, string | null] = ['', null];
    for await (const { choices } of data) {
      text += choices[0]?.text ?? '';
      finish = choices[0]?.finish_reason ?? finish;
    }
    return { text, finish, headers: response.headers };
  },
  'ollama, generate streamed': async (url, messages) => {
    const { client, last } = ollama(url);
    let [text, finish]: [string, string | null] = ['', null];
    const prompt = messages.at(-1)?.content ?? '';
    for await (const part of await client.generate({ model: 'triage', prompt, stream: true })) {
      text += part.response;
      finish = part.done ? part.done_reason : finish;
    }
    return { text, finish, headers: last() };
  },
};

const openAi = (url: string, headers: Record<string, string> = {}) =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: KEY, maxRetries: 0, defaultHeaders: headers });

function ollama(url: string, headers: Record<string, string> = {}) {
  let seen = new Headers();
  const client = new Ollama({
    host: url,
    headers: { authorization: `Bearer ${KEY}`, ...headers },
    fetch: async (input: RequestInfo | URL, init?: RequestInit) => {
      const response = await fetch(input, init);
      seen = response.headers;
      return response;
    },
  });
  return { client, last: () => seen };
}

/** A conversation over plain HTTP, for what no client would send or show. */
export const postChat = (url: string, body: object): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}` },
    body: JSON.stringify({ model: 'triage', ...body }),
  });
