import { hash, randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Refusal, type Log, type PolicyOutcome } from '@openward/contracts';
import { refusalOf, type Answering } from './answer.ts';
import type { Dialect } from './dialect.ts';
import { toldRefusal } from './fault.ts';
import { checkedBody } from './fields.ts';
import { readJson, sendJson, sendRefusal, type BodyLimits, type ReplyHeaders } from './http.ts';
import { ollamaChat, ollamaError, ollamaGenerate, ollamaModel } from './ollama.ts';
import { openAiChat, openAiCompletion, openAiError, openAiModel } from './openai.ts';
import type { PolicyCounts } from './policy-counts.ts';
import { reply, type PolicyNote } from './reply.ts';
import type { ServedReleases } from './served.ts';
import { createShadowJudge, type Shadow, type ShadowJudge } from './shadow.ts';

/** What a site decides of policies, and where it is counted what they did. */
export interface GatewayPolicies {
  /** `YYYY-MM-DD`, in the site's time zone; asked for each request under a policy that has rules. */
  readonly today: () => string;
  readonly onExpiry: () => 'goOn' | 'fallback';
  /** The next policy of a service, where the site lets one run in shadow. */
  readonly shadowOf: (service: string) => Shadow | null;
  readonly counts: PolicyCounts;
}

export interface GatewayOptions extends Answering {
  readonly policies: GatewayPolicies;
  readonly served: ServedReleases;
  /** SHA-256 of an API key, in hexadecimal, to the key's id; null for an unknown one. */
  readonly keyOf: (digest: string) => string | null;
  readonly limits: BodyLimits;
  readonly version: string;
  /** `restored`: what served before the last end serves again; until then the agent is still starting. */
  readonly health: () => { readonly restored: boolean; readonly ready: boolean; readonly details: unknown };
  /** What became of a request that was answered or refused, for metrics: no text, no key, and no name but a service's. */
  readonly observe: (seen: {
    readonly service: string;
    readonly status: number;
    readonly ms: number;
    readonly firstMs: number | null;
    /** What the policy lets a log say of it; null where nothing hit, or nothing may be said. */
    readonly policy: PolicyNote | null;
    /** For a count: what the policy did; null where it judged nothing. */
    readonly action: Deed | null;
  }) => void;
  /** Of what failed: names, codes and references, and never a text of a request. */
  readonly log: Log;
  readonly monotonic: () => number;
  readonly wall: () => number;
}

/** What a policy did with a conversation. `refused`: no rule saw it. `failed`: a rule could not be applied. */
export type Deed = PolicyOutcome | 'refused' | 'failed';

const DIALECTS: Readonly<Record<string, Dialect>> = {
  '/v1/chat/completions': openAiChat,
  '/v1/completions': openAiCompletion,
  '/api/chat': ollamaChat,
  '/api/generate': ollamaGenerate,
};
const UNSUPPORTED = new Set([
  '/v1/embeddings',
  '/api/embed',
  '/api/embeddings',
  '/api/pull',
  '/api/push',
  '/api/create',
  '/api/copy',
  '/api/delete',
]);

/** Listens for nothing by itself: the caller makes the server, with or without TLS (G5). */
export function createGateway(options: GatewayOptions): RequestListener {
  const { counts, today } = options.policies;
  const shadows = createShadowJudge({ counts, today, now: options.monotonic, log: options.log });
  return (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const errorOf = path.startsWith('/api/') ? ollamaError : openAiError;
    const id = randomUUID();
    const seen: Seen = {
      id,
      // G3: of refusals too, so that an application can name what it asks about.
      headers: { 'x-openward-request-id': id },
      began: options.monotonic(),
      application: '',
      service: NO_SERVICE,
      status: null,
      firstMs: null,
      policy: null,
      action: null,
    };
    void route(options, seen, shadows, request, response, path)
      .catch((error: unknown) => {
        const refusal = response.destroyed ? refusalOf(error) : toldRefusal(options, seen, error);
        seen.status ??= refusal.status;
        sendRefusal(response, refusal, errorOf, seen.headers);
      })
      .finally(() => {
        const { service, status, began, firstMs, policy, action } = seen;
        if (status !== null)
          options.observe({ service, status, ms: options.monotonic() - began, firstMs, policy, action });
      });
  };
}

/** What is known of a request on its way; `status` stays null for what is no reply and no refusal. */
export interface Seen {
  readonly id: string;
  /** What an answer carries, whatever it says. All are written at once: a header that is set by itself costs several times as much. */
  headers: ReplyHeaders;
  readonly began: number;
  /** The id of the key that it came with; never told. */
  application: string;
  service: string;
  status: number | null;
  firstMs: number | null;
  policy: PolicyNote | null;
  action: Deed | null;
}

/** A client may name anything; only the names of services become names of metrics. */
const NO_SERVICE = 'none';

async function route(
  options: GatewayOptions,
  seen: Seen,
  shadows: ShadowJudge,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  if (path === '/health' || path === '/ready') {
    const { restored, ready, details } = options.health();
    return sendJson(response, restored && (ready || path === '/health') ? 200 : 503, details, seen.headers);
  }
  seen.application = checkedKey(options, request);
  if (UNSUPPORTED.has(path))
    throw new Refusal('notOffered', `${path} is not offered: releases come through the network, and answer in text.`);
  if (request.method === 'POST') {
    const dialect = Object.hasOwn(DIALECTS, path) ? DIALECTS[path] : undefined;
    if (dialect !== undefined) return reply(options, seen, shadows, dialect, request, response);
    if (path === '/api/show') return show(options, seen, request, response);
  }
  if (request.method === 'GET' || request.method === 'HEAD')
    return sendJson(response, 200, listed(options, path), seen.headers);
  throw new Refusal('notOffered', `There is no ${request.method} ${path} here.`);
}

/** The key's id. A key is compared by its digest, so that neither the comparison's time nor the store tells of it. */
function checkedKey({ keyOf }: GatewayOptions, request: IncomingMessage): string {
  const given = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (given === undefined) throw new Refusal('keyMissing', 'The request carries no API key.');
  const id = keyOf(hash('sha256', given, 'hex'));
  if (id === null) throw new Refusal('keyMissing', 'The API key is not known here.');
  return id;
}

function listed({ served, version, wall }: GatewayOptions, path: string): unknown {
  const serving = served.list().filter(({ release }) => release !== null);
  if (path === '/v1/models')
    return { object: 'list', data: serving.map(({ service, since }) => openAiModel(service, since)) };
  if (path === '/api/version') return { version };
  if (path === '/api/tags' || path === '/api/ps')
    return { models: serving.map(({ service, since, release }) => ollamaModel(service, since, release ?? '', 0)) };
  const named = /^\/v1\/models\/([^/]+)$/.exec(path)?.[1];
  const found = serving.find(({ service }) => service === named);
  if (found !== undefined) return openAiModel(found.service, found.since);
  if (named !== undefined) throw new Refusal('modelNotFound', `There is no service ${JSON.stringify(named)} here.`);
  if (path === '/') return { openward: version, at: new Date(wall()).toISOString() };
  throw new Refusal('notOffered', `There is no GET ${path} here.`);
}

async function show(
  options: GatewayOptions,
  { headers }: Seen,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = checkedBody('ollama.show', await readJson(request, options.limits));
  const named = body['model'] ?? body['name'];
  const service = typeof named === 'string' ? named.replace(/:latest$/, '') : '';
  const lease = await options.served.lease(service);
  lease.end('left');
  const { model, number } = { model: lease.release.model, number: lease.release.number };
  const shown = {
    details: ollamaModel(service, 0, lease.held.release, 0).details,
    model_info: {
      'general.name': `${model.name} ${model.version}`,
      'openward.release': number,
      'general.architecture': 'openward',
    },
    capabilities: ['completion'],
  };
  sendJson(response, 200, shown, headers);
}
