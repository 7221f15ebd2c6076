import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { GATEWAY_FIELDS, Refusal } from '@openward/contracts';
import { answer, refusalOf, type Answering, type Reply } from './answer.ts';
import type { Conversation } from './conversation.ts';
import type { Dialect, Ending, ReplyFacts } from './dialect.ts';
import { readJson, sendJson, type BodyLimits } from './http.ts';
import { ollamaChat, ollamaError, ollamaGenerate, ollamaModel } from './ollama.ts';
import { openAiChat, openAiCompletion, openAiError, openAiModel } from './openai.ts';
import type { Lease, ServedReleases } from './served.ts';
import { RETRY_AFTER_SECONDS } from './slots.ts';

export interface GatewayOptions extends Answering {
  readonly served: ServedReleases;
  /** SHA-256 of an API key, in hexadecimal, to the key's id; null for an unknown one. No key at all is configured: undefined. */
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
  }) => void;
  readonly monotonic: () => number;
  readonly wall: () => number;
}

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
  return (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const errorOf = path.startsWith('/api/') ? ollamaError : openAiError;
    const seen: Seen = {
      id: randomUUID(),
      began: options.monotonic(),
      service: NO_SERVICE,
      status: null,
      firstMs: null,
    };
    // G3: refusals too, so that an application can name what it asks about.
    response.setHeader('x-openward-request-id', seen.id);
    void route(options, seen, request, response, path)
      .catch((error: unknown) => {
        const refusal = refusalOf(error);
        seen.status ??= refusal.status;
        if (response.headersSent || response.destroyed) return response.destroy();
        refuse(response, refusal, errorOf);
      })
      .finally(() => {
        const { service, status, began, firstMs } = seen;
        if (status !== null) options.observe({ service, status, ms: options.monotonic() - began, firstMs });
      });
  };
}

/** What is known of a request on its way; `status` stays null for what is no reply and no refusal. */
interface Seen {
  readonly id: string;
  readonly began: number;
  service: string;
  status: number | null;
  firstMs: number | null;
}

/** A client may name anything; only the names of services become names of metrics. */
const NO_SERVICE = 'none';
/** The client went away: nginx's number for it. */
const CLIENT_LEFT = 499;

const RETRY_AFTER: Partial<Record<Refusal['code'], number>> = {
  queueFull: RETRY_AFTER_SECONDS,
  // It loads, or goes back. A halt has no end that this node knows of.
  notServing: 5,
};

function refuse(response: ServerResponse, refusal: Refusal, errorOf: (refusal: Refusal) => unknown): void {
  const headers: Record<string, string> = { 'x-openward-code': refusal.code };
  const retryAfter = RETRY_AFTER[refusal.code];
  if (retryAfter !== undefined) headers['retry-after'] = String(retryAfter);
  // What was not read of a refused body must not be taken for the next request.
  if (refusal.code === 'bodyTooLarge' || refusal.code === 'bodyTooSlow') headers['connection'] = 'close';
  sendJson(response, refusal.status, errorOf(refusal), headers);
}

async function route(
  options: GatewayOptions,
  seen: Seen,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  if (path === '/health' || path === '/ready') {
    const { restored, ready, details } = options.health();
    return sendJson(response, restored && (ready || path === '/health') ? 200 : 503, details);
  }
  checkKey(options, request);
  if (request.method === 'POST') {
    const dialect = Object.hasOwn(DIALECTS, path) ? DIALECTS[path] : undefined;
    if (dialect !== undefined) return reply(options, seen, dialect, request, response);
    if (UNSUPPORTED.has(path))
      throw new Refusal(
        'fieldRefused',
        `\`${path}\` is not offered: releases come through the network, and answer in text.`,
      );
    if (path === '/api/show') return show(options, request, response);
  }
  if (request.method === 'GET' || request.method === 'HEAD') return list(options, response, path);
  throw new Refusal('notFound', `There is no ${request.method} ${path} here.`);
}

/** A key is compared by its digest, so that neither the comparison's time nor the store tells of it. */
function checkKey({ keyOf }: GatewayOptions, request: IncomingMessage): void {
  const given = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (given === undefined) throw new Refusal('keyMissing', 'The request carries no API key.');
  if (keyOf(createHash('sha256').update(given).digest('hex')) === null)
    throw new Refusal('keyMissing', 'The API key is not known here.');
}

function list({ served, version, wall }: GatewayOptions, response: ServerResponse, path: string): void {
  const serving = served.list().filter(({ release }) => release !== null);
  if (path === '/v1/models')
    return sendJson(response, 200, {
      object: 'list',
      data: serving.map(({ service, since }) => openAiModel(service, since)),
    });
  if (path === '/api/version') return sendJson(response, 200, { version });
  if (path === '/api/tags' || path === '/api/ps')
    return sendJson(response, 200, {
      models: serving.map(({ service, since, release }) => ollamaModel(service, since, release ?? '', 0)),
    });
  const named = /^\/v1\/models\/([^/]+)$/.exec(path)?.[1];
  const found = serving.find(({ service }) => service === named);
  if (found !== undefined) return sendJson(response, 200, openAiModel(found.service, found.since));
  if (named !== undefined) throw new Refusal('modelNotFound', `There is no service ${JSON.stringify(named)} here.`);
  if (path === '/') return sendJson(response, 200, { openward: version, at: new Date(wall()).toISOString() });
  throw new Refusal('notFound', `There is no GET ${path} here.`);
}

async function show(options: GatewayOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = (await readJson(request, options.limits)) as Record<string, unknown> | null;
  const unknown = Object.keys(body ?? {}).find((field) => !Object.hasOwn(GATEWAY_FIELDS['ollama.show'], field));
  if (unknown !== undefined) throw new Refusal('fieldRefused', `The field \`${unknown}\` is not known here.`);
  const named = body?.['model'] ?? body?.['name'];
  const service = typeof named === 'string' ? named.replace(/:latest$/, '') : '';
  const lease = await options.served.lease(service);
  lease.end('left');
  const { model, number } = { model: lease.release.model, number: lease.release.number };
  sendJson(response, 200, {
    details: ollamaModel(service, 0, lease.held.release, 0).details,
    model_info: {
      'general.name': `${model.name} ${model.version}`,
      'openward.release': number,
      'general.architecture': 'openward',
    },
    capabilities: ['completion'],
  });
}

async function reply(
  options: GatewayOptions,
  seen: Seen,
  dialect: Dialect,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => {
    if (!response.writableFinished) gone.abort(new Error('the client went away'));
  });
  const conversation = dialect.parse(await readJson(request, options.limits));
  if (options.served.has(conversation.service)) seen.service = conversation.service;
  const lease = await options.served.lease(conversation.service);
  let outcome: Outcome = 'failed';
  try {
    const facts: ReplyFacts = { id: seen.id, service: conversation.service, createdMs: options.wall() };
    setReplyHeaders(response, lease);
    const events = await answer(options, lease, conversation, gone.signal);
    const elapsed = () => options.monotonic() - seen.began;
    seen.firstMs = elapsed();
    const send = conversation.stream ? sendStream : sendWhole;
    try {
      outcome = await send({ dialect, facts, conversation, events, signal: gone.signal, elapsed }, response);
    } finally {
      await events.return();
    }
    seen.status = STATUS_OF[outcome];
  } catch (error) {
    const refusal = refusalOf(error);
    // What the client did wrong, or its leaving, says nothing of the release.
    outcome = gone.signal.aborted || refusal.status < 500 ? 'left' : 'failed';
    if (gone.signal.aborted) seen.status = CLIENT_LEFT;
    throw refusal;
  } finally {
    lease.end(outcome);
  }
}

type Outcome = 'ok' | 'failed' | 'left';
const STATUS_OF: Readonly<Record<Outcome, number>> = { ok: 200, failed: 500, left: CLIENT_LEFT };

/** G3: for the application to keep beside the text. */
function setReplyHeaders(response: ServerResponse, { release, held }: Lease): void {
  response.setHeader('x-openward-release', release.number);
  response.setHeader('x-openward-release-digest', held.release);
  response.setHeader('x-openward-policy-revision', release.policy.revision);
}

interface Sending {
  readonly dialect: Dialect;
  readonly facts: ReplyFacts;
  readonly conversation: Conversation;
  readonly events: Reply;
  /** Aborted when the client is gone: a runtime that does not heed it holds no request. */
  readonly signal: AbortSignal;
  readonly elapsed: () => number;
}

async function sendWhole(
  { dialect, facts, events, signal, elapsed }: Sending,
  response: ServerResponse,
): Promise<'ok'> {
  let said = '';
  let ending: Ending | null = null;
  for await (const event of events) {
    signal.throwIfAborted();
    if (event.type === 'text') said += event.text;
    else ending = { ...event, elapsedMs: elapsed() };
  }
  if (ending === null) throw new Refusal('runtimeFailed', 'The reply ended before it was whole.');
  sendJson(response, 200, dialect.whole(facts, said, ending));
  return 'ok';
}

async function sendStream(
  { dialect, facts, conversation, events, signal, elapsed }: Sending,
  response: ServerResponse,
): Promise<Outcome> {
  response.writeHead(200, { 'content-type': dialect.streamType, 'cache-control': 'no-cache' });
  const first = dialect.first(facts);
  if (first !== '') response.write(first);
  try {
    for await (const event of events) {
      signal.throwIfAborted();
      const piece =
        event.type === 'text'
          ? dialect.piece(facts, event.text)
          : dialect.last(facts, { ...event, elapsedMs: elapsed() }, conversation);
      if (!response.write(piece)) await drained(response);
    }
    response.end();
    return 'ok';
  } catch (error) {
    if (response.destroyed) return 'left';
    response.end(dialect.failed(refusalOf(error)));
    return 'failed';
  }
}

/** A slow reader holds its own request back, and nothing grows. One that has left will say nothing more. */
const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    if (response.destroyed) return resolve();
    const settle = () => {
      response.off('drain', settle).off('close', settle);
      resolve();
    };
    response.on('drain', settle).on('close', settle);
  });
