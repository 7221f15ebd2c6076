import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { digestOf, plainPolicy, type Log, type PolicyRule, type PromptPolicy, type Release } from '@openward/contracts';
import type { Held } from '@openward/activation';
import type { PolicyHitCount } from '@openward/persistence/node';
import { NO_SITE_TERMS, type SiteTerms } from '@openward/policy';
import type { GenerateEvent, GenerateRequest, Runtime } from '@openward/runtime';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { compiledPolicy } from './compiled.ts';
import { createGateway, type GatewayOptions } from './gateway.ts';
import { PolicyCounts } from './policy-counts.ts';
import { ServedReleases } from './served.ts';
import type { Shadow } from './shadow.ts';
import { Slots } from './slots.ts';

// A gateway with one service under a policy, real HTTP, and a runtime that says what a test wants.

export const KEY = 'owk-test-key';
export const TODAY = '2026-03-01';

export const policyWith = (given: Partial<PromptPolicy>): PromptPolicy => ({
  ...plainPolicy('SYS', { id: 'clinic', revision: 3, languages: ['en', 'fr'] }),
  ...given,
});

export const ruleWith = (
  given: Pick<PolicyRule, 'id' | 'stage' | 'match' | 'action'> & Partial<PolicyRule>,
): PolicyRule => ({ description: given.id, mode: 'enforce', timeLimitMs: 1_000, ...given });

export const words = (...en: [string, ...string[]]): PolicyRule['match'] => ({
  kind: 'topic',
  phrases: { en, fr: en },
});

const releaseWith = (policy: PromptPolicy): Release => ({
  v: 1,
  service: {
    name: 'triage',
    purpose: 'p',
    users: 'u',
    languages: ['en'],
    riskClass: 'high',
    fallbackText: 'Call 112.',
  },
  number: 1,
  change: 'policyRule',
  model: {
    name: 'nano',
    version: '1',
    family: 'nano',
    kind: 'base',
    template: {
      bos: '<s>',
      system: { before: '<sys>', after: '' },
      user: { before: '<usr>', after: '' },
      assistant: { before: '<ans>', after: '' },
      stop: ['</s>'],
    },
    contextLength: 16_384,
    trainingStatement: '',
    variants: [],
  },
  policy,
  parameters: { temperature: 0.25, maxTokens: 100 },
  suite: {
    name: 's',
    version: 1,
    digest: digestOf('s'),
    artifact: { manifest: digestOf('m'), file: digestOf('f'), size: 1, family: 'nano' },
  },
});

/** Says `pieces`, one an event, and waits for `gate` before the last. */
export class SayingRuntime implements Pick<Runtime, 'generate'> {
  readonly asked: GenerateRequest[] = [];
  pieces: readonly string[] = ['ok'];
  finishReason: 'stop' | 'length' = 'stop';
  gate: Promise<void> = Promise.resolve();
  async *generate(request: GenerateRequest): AsyncGenerator<GenerateEvent> {
    this.asked.push(request);
    for (const [index, text] of this.pieces.entries()) {
      if (index === this.pieces.length - 1) await this.gate;
      yield { type: 'text', text };
    }
    yield { type: 'end', finishReason: this.finishReason, promptTokens: 3, completionTokens: 2 };
  }
}

export interface PolicyWorld {
  readonly url: string;
  readonly runtime: SayingRuntime;
  readonly served: ServedReleases;
  readonly counts: PolicyCounts;
  readonly seen: Parameters<GatewayOptions['observe']>[0][];
  /** What a log was told: the level, the name, and what stood beside. */
  readonly told: (readonly [level: keyof Log, event: string, beside: object])[];
  /** What a test may change while the gateway runs. */
  readonly site: { terms: SiteTerms; onExpiry: 'goOn' | 'fallback'; shadow: Shadow | null; clockStepMs: number };
  close(): void;
}

export async function serveUnder(policy: PromptPolicy): Promise<PolicyWorld> {
  const runtime = new SayingRuntime();
  const site: PolicyWorld['site'] = { terms: NO_SITE_TERMS, onExpiry: 'goOn', shadow: null, clockStepMs: 0 };
  const seen: PolicyWorld['seen'] = [];
  const told: PolicyWorld['told'] = [];
  const tell =
    (level: keyof Log) =>
    (event: string, beside: object = {}) =>
      void told.push([level, event, beside]);
  const release = releaseWith(policy);
  const served = new ServedReleases({
    releaseOf: () => Promise.resolve(release),
    compile: (one) => compiledPolicy(one, site.terms),
    drainMs: 1_000,
    now: () => 0,
  });
  const counts = new PolicyCounts(() => TODAY);
  let ahead = 0;
  const server = createServer(
    createGateway({
      runtime: runtime as unknown as Runtime,
      served,
      policies: { today: () => TODAY, onExpiry: () => site.onExpiry, shadowOf: () => site.shadow, counts },
      slots: new Slots(2, 8),
      countTokens: (_, prompt) => Promise.resolve(prompt.length),
      keyOf: (digest) => (digest === createHash('sha256').update(KEY).digest('hex') ? 'k1' : null),
      limits: { bytes: 1_000_000, ms: 5_000 },
      version: '0.1.0',
      health: () => ({ restored: true, ready: true, details: {} }),
      observe: (one) => void seen.push(one),
      log: { info: tell('info'), warn: tell('warn'), error: tell('error') },
      monotonic: () => performance.now() + (ahead += site.clockStepMs),
      wall: () => Date.parse('2026-03-01T12:00:00Z'),
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const held = { key: 'key', release: digestOf(release), number: 1, variant: 'f16', chain: null } as unknown as Held;
  await served.switchTo('triage', held);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    runtime,
    served,
    counts,
    seen,
    told,
    site,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

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

export const until = async (holds: () => boolean): Promise<void> => {
  for (const deadline = performance.now() + 5_000; !holds();) {
    if (performance.now() > deadline) throw new Error('it never came true');
    await new Promise((resolve) => setImmediate(resolve));
  }
};

/** What was counted so far, in short: `rule mode action count`, where no rule is meant `*` and the stage. */
export const shortly = (counts: readonly PolicyHitCount[]): string[] =>
  counts.map(({ rule, stage, mode, action, count }) => `${rule ?? `* ${stage}`} ${mode} ${action} ${count}`).toSorted();
