import { createReadStream } from 'node:fs';

import { Ollama } from 'ollama';
import { Agent, request, type Dispatcher } from 'undici';
import { z } from 'zod';

import { OllamaError } from './failures.ts';
import { linesOfJson } from './ndjson.ts';

/** What a model runs with. Sent with each request the same, since Ollama loads a model anew when one of them differs. */
export interface RunnerOptions {
  readonly num_ctx: number;
  readonly num_thread: number;
}

export interface NewModel {
  readonly model: string;
  readonly files: Readonly<Record<string, string>>;
  readonly adapters?: Readonly<Record<string, string>>;
}

const runningSchema = z.object({
  models: z.array(z.object({ name: z.string(), digest: z.string(), size: z.number().nonnegative() })).nullable(),
});
const storedSchema = z.object({ models: z.array(z.object({ name: z.string(), digest: z.string() })).nullable() });
const shownSchema = z.object({ modelfile: z.string() });
const errorSchema = z.object({ error: z.string() });
const generatedSchema = z.object({
  response: z.string().optional(),
  done: z.boolean().optional(),
  done_reason: z.string().optional(),
  prompt_eval_count: z.int().nonnegative().optional(),
  eval_count: z.int().nonnegative().optional(),
  error: z.string().optional(),
});
export type Generated = z.output<typeof generatedSchema>;

const TEMPLATE = '{{ .Prompt }}';

/**
 * The calls to one Ollama that the adapter needs. Management goes through the `ollama` client; blobs, `files`, `truncate`,
 * and stopping a request before its first byte are what that client lacks, and go by themselves.
 */
export class OllamaServer {
  readonly url: string;
  readonly #agent = new Agent({ headersTimeout: 0, bodyTimeout: 0, connectTimeout: 10_000, pipelining: 1 });
  readonly #client: Ollama;

  constructor(url: string) {
    this.url = url.replace(/\/+$/, '');
    this.#client = new Ollama({ host: this.url, fetch: (input, init) => this.#fetch(input, init) });
  }

  async version(): Promise<string> {
    const { version } = await this.#client.version();
    return typeof version === 'string' && version !== '' ? version : 'unknown';
  }

  async running() {
    return runningSchema.parse(await this.#client.ps()).models ?? [];
  }

  async stored() {
    return storedSchema.parse(await this.#client.list()).models ?? [];
  }

  /** Nothing where it has no such model. */
  async modelfileOf(model: string): Promise<string | undefined> {
    try {
      return shownSchema.parse(await this.#client.show({ model })).modelfile;
    } catch (cause) {
      if (isMissing(cause)) return undefined;
      throw cause;
    }
  }

  async hasBlob(digest: string): Promise<boolean> {
    const { statusCode, body } = await this.#request('HEAD', `/api/blobs/${digest}`);
    await body.dump();
    return statusCode === 200;
  }

  /** Ollama hashes what it gets, and refuses other bytes with 400. */
  async putBlob(digest: string, path: string, signal?: AbortSignal): Promise<void> {
    const { statusCode, body } = await this.#request('POST', `/api/blobs/${digest}`, createReadStream(path), signal);
    const said = await body.text();
    if (statusCode !== 201 && statusCode !== 200) throw new OllamaError(statusCode, errorIn(said));
  }

  /** Never asks for a quantisation, and never starts from a name that Ollama might look for on the internet. */
  async create(model: NewModel, signal?: AbortSignal): Promise<void> {
    await this.#post('/api/create', { ...model, template: TEMPLATE, stream: false }, signal);
  }

  async load(model: string, options: RunnerOptions, signal?: AbortSignal): Promise<void> {
    await this.#post('/api/generate', { model, keep_alive: -1, options, stream: false }, signal);
  }

  async unload(model: string): Promise<void> {
    await this.#post('/api/generate', { model, keep_alive: 0, stream: false });
  }

  async delete(model: string): Promise<void> {
    try {
      await this.#client.delete({ model });
    } catch (cause) {
      if (!isMissing(cause)) throw cause;
    }
  }

  /** Streams a reply to a raw prompt. Aborting the signal closes the connection, upon which Ollama stops. */
  async *generate(body: object, signal?: AbortSignal): AsyncGenerator<Generated> {
    const answer = await this.#request('POST', '/api/generate', JSON.stringify({ ...body, raw: true }), signal);
    if (answer.statusCode !== 200) throw new OllamaError(answer.statusCode, errorIn(await answer.body.text()));
    for await (const line of linesOfJson(answer.body)) {
      const part = generatedSchema.parse(line);
      if (part.error !== undefined) throw new OllamaError(500, part.error);
      yield part;
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #post(path: string, body: object, signal?: AbortSignal): Promise<void> {
    const answer = await this.#request('POST', path, JSON.stringify(body), signal);
    const said = await answer.body.text();
    if (answer.statusCode !== 200) throw new OllamaError(answer.statusCode, errorIn(said));
    const failed = errorSchema.safeParse(jsonIn(said));
    if (failed.success) throw new OllamaError(500, failed.data.error);
  }

  #request(
    method: 'GET' | 'HEAD' | 'POST',
    path: string,
    body?: Dispatcher.DispatchOptions['body'],
    signal?: AbortSignal,
  ) {
    const headers = typeof body === 'string' ? { 'content-type': 'application/json' } : {};
    return request(this.url + path, {
      method,
      headers,
      dispatcher: this.#agent,
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** The client's calls go over the same connections. */
  async #fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const url = input instanceof Request ? input.url : input.toString();
    const answer = await request(url, {
      method: (init?.method ?? 'GET') as Dispatcher.HttpMethod,
      headers: [...new Headers(init?.headers)].flat(),
      body: typeof init?.body === 'string' ? init.body : null,
      dispatcher: this.#agent,
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new OllamaError(answer.statusCode, errorIn(text));
    return new Response(text, { status: 200, headers: { 'content-type': 'application/json' } });
  }
}

const isMissing = (cause: unknown): boolean => cause instanceof OllamaError && cause.status === 404;

function errorIn(text: string): string {
  const parsed = errorSchema.safeParse(jsonIn(text));
  return parsed.success ? parsed.data.error : text.slice(0, 200);
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
