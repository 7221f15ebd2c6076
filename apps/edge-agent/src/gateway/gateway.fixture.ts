import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { GenerateEvent, GenerateRequest, Runtime } from '@openward/runtime';
import { NO_SITE_TERMS } from '@openward/policy';
import { onTestFinished } from 'vitest';
import { compiledPolicy } from './compiled.ts';
import { createGateway } from './gateway.ts';
import { PolicyCounts } from './policy-counts.ts';
import { heldOf, KEY, keyOf, releaseOf } from './release.fixture.ts';
import { ServedReleases } from './served.ts';
import { Slots } from './slots.ts';

// A gateway that serves release 1 under a policy without rules, with small bounds: two places, two waiting, 4 kB.

/** Says what it was asked, in pieces; waits for `gate` before its last piece, so that a test can act in the middle. */
class FakeRuntime implements Pick<Runtime, 'generate'> {
  asked: GenerateRequest[] = [];
  gate: Promise<void> = Promise.resolve();
  aborted = 0;
  fail: Error | null = null;
  /** Says on and on, and heeds no abort. */
  isDeaf = false;
  async *generate(request: GenerateRequest): AsyncGenerator<GenerateEvent> {
    this.asked.push(request);
    if (this.fail !== null) throw this.fail;
    try {
      yield { type: 'text', text: `${request.model}:` };
      while (this.isDeaf) {
        yield { type: 'text', text: 'x'.repeat(10_000) };
        await new Promise((resolve) => setImmediate(resolve));
      }
      await Promise.race([this.gate, once(request.signal!, 'abort')]);
      request.signal?.throwIfAborted();
      yield { type: 'text', text: 'ok' };
      yield { type: 'end', finishReason: 'stop', promptTokens: 3, completionTokens: 2 };
    } finally {
      if (request.signal?.aborted) this.aborted += 1;
    }
  }
}

function startGateway() {
  const runtime = new FakeRuntime();
  const seen: [string, number][] = [];
  const served = new ServedReleases({
    releaseOf: (one) => Promise.resolve(releaseOf(one.number)),
    cameFrom: () => null,
    compile: (policy) => compiledPolicy(policy, NO_SITE_TERMS),
    terms: () => NO_SITE_TERMS,
    drainMs: 1000,
    now: () => 0,
  });
  const site = { health: { restored: true, ready: true, details: {} } };
  const slots = new Slots(2, 2);
  const server = createServer(
    createGateway({
      runtime: runtime as unknown as Runtime,
      served,
      policies: {
        today: () => '2026-03-01',
        onExpiry: () => 'goOn',
        shadowOf: () => null,
        counts: new PolicyCounts(() => '2026-03-01'),
      },
      slots,
      countTokens: (_, prompt) => Promise.resolve(prompt.length),
      marksOf: () => Promise.resolve([]),
      keyOf,
      limits: { bytes: 4096, ms: 300 },
      version: '0.1.0',
      health: () => site.health,
      observe: ({ service, status }) => void seen.push([service, status]),
      log: { info: () => {}, warn: () => {}, error: () => {} },
      monotonic: () => performance.now(),
      wall: () => 0,
    }),
  );
  return { runtime, served, server, slots, seen, site };
}

/** The gateway of one test, closed with it. */
export async function serve() {
  const { server, ...world } = startGateway();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await world.served.switchTo('triage', heldOf(1));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  return { ...world, url, post };
}

export const chat = (extra: object = {}) => ({
  model: 'triage',
  messages: [{ role: 'user', content: 'hi' }],
  ...extra,
});
