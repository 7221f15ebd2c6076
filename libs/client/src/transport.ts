import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https';
import { ErrorBody, Refusal } from '@openward/contracts';
import type { z } from 'zod';
import { RemoteRefusal, UnknownReply, Unreachable } from './errors.ts';

// One way of calling, over HTTPS with a private CA, over plain HTTP on loopback, and over a node's Unix socket.

export interface Call<T> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
  readonly json?: unknown;
  readonly bytes?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** Shape of the answer; it is parsed, and an answer of another shape throws `UnknownReply`. */
  readonly answer: z.ZodType<T>;
  readonly signal?: AbortSignal | undefined;
}

export interface Transport {
  /** Rejects with a `RemoteRefusal`, `Unreachable` or `UnknownReply`. Asked once more when a connection that was kept broke. */
  call<T>(call: Call<T>): Promise<T>;
  /** A stream of text that does not end by itself. */
  open(path: string, accept: string, signal?: AbortSignal): Promise<IncomingMessage>;
  close(): void;
}

export interface TransportOptions {
  /** `http://…` or `https://…`; of a Unix socket `http://node`. */
  readonly url: string;
  readonly socketPath?: string;
  /** PEM of the only authorities that are trusted; those of the machine where it is not given. */
  readonly ca?: string | undefined;
  readonly token?: string | undefined;
  /** Without a byte for as long, the call is given up. */
  readonly timeoutMs?: number | undefined;
  /** Words a failure to connect. */
  explain(cause: NodeJS.ErrnoException): Unreachable;
}

const DEFAULT_TIMEOUT_MS = 60_000;
/** The control plane says that it lives each 15 s. */
const SILENT_MS = 60_000;

export function createTransport(options: TransportOptions): Transport {
  const base = new URL(options.url);
  const isTls = base.protocol === 'https:';
  const { ca } = options;
  const agent = isTls
    ? new HttpsAgent({ keepAlive: true, maxSockets: 32, ...(ca === undefined ? {} : { ca }) })
    : new HttpAgent({ keepAlive: true, maxSockets: 32 });
  const prefix = base.pathname.replace(/\/$/, '');

  const send = (
    method: string,
    target: string,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array | undefined,
    { signal, timeoutMs }: { readonly signal?: AbortSignal | undefined; readonly timeoutMs: number },
  ): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const settings: RequestOptions = {
        agent,
        method,
        path: prefix + target,
        headers: {
          ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
          ...(body === undefined ? {} : { 'content-length': String(body.length) }),
          ...headers,
        },
        ...(options.socketPath === undefined
          ? { host: base.hostname.replace(/^\[|\]$/g, ''), port: base.port }
          : { socketPath: options.socketPath }),
        ...(signal === undefined ? {} : { signal }),
      };
      const request = (isTls ? httpsRequest : httpRequest)(settings, resolve);
      request.on('error', reject);
      request.setTimeout(timeoutMs, () => {
        request.destroy(Object.assign(new Error(`no answer in ${timeoutMs} ms`), { code: 'ETIMEDOUT' }));
      });
      request.end(body);
    });

  const worded = (error: unknown, signal: AbortSignal | undefined): unknown =>
    signal?.aborted === true ? error : options.explain(error as NodeJS.ErrnoException);

  async function exchange<T>(call: Call<T>): Promise<{ readonly status: number; readonly text: string }> {
    const body = call.bytes ?? (call.json === undefined ? undefined : Buffer.from(JSON.stringify(call.json)));
    const type = call.bytes === undefined ? 'application/json' : 'application/octet-stream';
    const headers = {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': type }),
      ...call.headers,
    };
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const message = await send(call.method, withQuery(call), headers, body, { signal: call.signal, timeoutMs });
    return { status: message.statusCode ?? 0, text: await readText(message) };
  }

  return {
    async call(call) {
      const reply = await exchange(call)
        // A kept connection may have been closed by the other end just now. Every call here may be made twice: reads, pieces by
        // digest, creations under one key, and commands that say what is wanted.
        .catch((error: NodeJS.ErrnoException) => {
          if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') throw error;
          return exchange(call);
        })
        .catch((error: unknown) => {
          throw worded(error, call.signal);
        });
      return parseReply(call, reply);
    },
    async open(path, accept, signal) {
      const message = await send('GET', path, { accept }, undefined, { signal, timeoutMs: SILENT_MS }).catch(
        (error: unknown) => {
          throw worded(error, signal);
        },
      );
      if (message.statusCode === 200) return message;
      throw refusalOf(message.statusCode ?? 0, await readText(message), `GET ${path}`);
    },
    close: () => agent.destroy(),
  };
}

function withQuery({ path, query = {} }: Call<unknown>): string {
  const given = Object.entries(query).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]]));
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given as [string, string][]).toString()}`;
}

async function readText(message: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of message) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

function parseReply<T>(call: Call<T>, { status, text }: { readonly status: number; readonly text: string }): T {
  const what = `${call.method} ${call.path}`;
  if (status < 200 || status > 299) throw refusalOf(status, text, what);
  const parsed = call.answer.safeParse(text === '' ? undefined : jsonOf(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined ? '' : `, at \`${issue.path.join('.')}\`: ${issue.message}`;
  throw new UnknownReply(`The answer to ${what} has a form that this client does not know${where}.`, parsed.error);
}

const BY_STATUS: Readonly<Record<number, Refusal['code']>> = {
  400: 'badRequest',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'notFound',
  408: 'bodyTooSlow',
  409: 'conflict',
  413: 'bodyTooLarge',
  422: 'badRequest',
  503: 'busy',
  507: 'quotaExceeded',
};

function refusalOf(status: number, text: string, what: string): Error {
  const body = ErrorBody.safeParse(jsonOf(text));
  if (body.success) return new RemoteRefusal(body.data);
  const message = `${what} was answered with status ${status}: ${text.slice(0, 300)}`;
  const code = BY_STATUS[status];
  return code === undefined ? new UnknownReply(message) : new Refusal(code, message);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
