import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answer } from '../workers.ts';
import type { GenerateBody, GenerateReply } from './exchange.ts';

/** A model runtime that answers at once: what a request takes beside it is what stands before it. */
async function listen(): Promise<string> {
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const { prompt } = JSON.parse(Buffer.concat(pieces).toString()) as GenerateBody;
      const reply: GenerateReply = {
        response: 'emergency',
        done_reason: 'stop',
        prompt_eval_count: prompt.length,
        eval_count: 2,
      };
      const body = JSON.stringify(reply);
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
      response.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const questions = answer({ listen });
export type RuntimeWorker = typeof questions;
