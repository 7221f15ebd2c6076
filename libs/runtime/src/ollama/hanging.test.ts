import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { expect, onTestFinished, test } from 'vitest';

import { eventually, refusalOf, setOf } from '../contract.ts';
import { OllamaRuntime } from './ollama-runtime.ts';

const file = { path: import.meta.filename, digest: `sha256:${'1'.repeat(64)}` };

/** It answers everything but a load, which it takes and says nothing to, as one whose disk has gone. */
async function hangingOllama() {
  const seen = { creating: 0, left: 0 };
  const server = createServer((request, response) => {
    const say = (body: object, status = 200): void => void response.writeHead(status).end(JSON.stringify(body));
    request.resume();
    if (request.url === '/api/version') return say({ version: '0.24.0' });
    if (request.url === '/api/tags' || request.url === '/api/ps') return say({ models: [] });
    if (request.url === '/api/show') return say({ error: 'not found' }, 404);
    if (request.url === '/api/delete') return say({ error: 'not found' }, 404);
    if (request.url?.startsWith('/api/blobs/') === true) return say({});
    if (request.url !== '/api/create') return undefined;
    seen.creating += 1;
    response.on('close', () => (seen.left += 1));
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const open = (patience: number): OllamaRuntime => {
    const openVocabulary = () => Promise.reject(new Error('nothing was loaded'));
    const runtime = new OllamaRuntime({ urls: [url], openVocabulary, patience: () => patience });
    onTestFinished(() => runtime.close());
    return runtime;
  };
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { open, seen };
}

test('breaks off a load that Ollama does not answer in time, and takes the next', async () => {
  const { open, seen } = await hangingOllama();
  const runtime = open(200);
  expect(await refusalOf(() => runtime.load(setOf('one', file)))).toBe('runtimeFailed');
  expect(await refusalOf(() => runtime.load(setOf('two', file)))).toBe('runtimeFailed');
  await eventually('both connections closed', () => (seen.left === 2 ? true : undefined));
  expect(await runtime.loaded()).toEqual([]);
});

test('breaks off a load that its caller gives up, also one that waits behind it', async () => {
  const { open, seen } = await hangingOllama();
  const runtime = open(60_000);
  const caller = new AbortController();
  const loads = ['one', 'two'].map((key) => refusalOf(() => runtime.load(setOf(key, file), caller.signal)));
  await eventually('a load under way', () => (seen.creating === 1 ? true : undefined));
  caller.abort();
  expect(await Promise.all(loads)).toEqual(['aborted', 'aborted']);
  await eventually('the connection closed', () => (seen.left === 1 ? true : undefined));
  expect(seen.creating).toBe(1);
});
