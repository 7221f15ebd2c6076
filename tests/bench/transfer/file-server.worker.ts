import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { answer } from '../workers.ts';

/** Serves one file over HTTP, in pieces of 1 MiB. */
async function listen({ path }: { readonly path: string }): Promise<string> {
  const { size } = statSync(path);
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': size });
    pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const questions = answer({ listen });
export type FileServerWorker = typeof questions;
