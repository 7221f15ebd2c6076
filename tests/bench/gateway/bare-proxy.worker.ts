import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';
import { answer, peakMemory } from '../workers.ts';
import { generateBody, type GenerateReply, KEY_DIGEST, promptOf, SYSTEM } from './exchange.ts';

// The least that stands between an application and a runtime: the key's hash, JSON read and written both ways, a pool of
// connections. No release, no policy, no limit, no metric.

interface Chat {
  readonly model: string;
  readonly messages: readonly { readonly content: string }[];
}

async function forward(pool: Pool, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const given = (request.headers.authorization ?? '').slice('Bearer '.length);
  if (createHash('sha256').update(given).digest('hex') !== KEY_DIGEST) return void response.writeHead(401).end();
  const pieces: Buffer[] = [];
  for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
  const { model, messages } = JSON.parse(Buffer.concat(pieces).toString()) as Chat;
  const asked = await pool.request({
    method: 'POST',
    path: '/api/generate',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(generateBody(model, promptOf(SYSTEM, messages[0]?.content ?? ''), 8)),
  });
  const said = (await asked.body.json()) as GenerateReply;
  const body = JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1000),
    model,
    choices: [{ index: 0, message: { role: 'assistant', content: said.response }, finish_reason: said.done_reason }],
    usage: {
      prompt_tokens: said.prompt_eval_count,
      completion_tokens: said.eval_count,
      total_tokens: said.prompt_eval_count + said.eval_count,
    },
  });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

async function listen({ runtimeUrl }: { readonly runtimeUrl: string }): Promise<string> {
  const pool = new Pool(runtimeUrl, { connections: 32 });
  const server = createServer((request, response) => {
    forward(pool, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const questions = answer({ listen, peak: () => peakMemory() });
export type BareProxyWorker = typeof questions;
