import { expect, test } from 'vitest';
import { AgentLifetime } from './agent-lifetime.ts';

test('what was measured up to the end goes out after the agent has stopped', async () => {
  const done: string[] = [];
  const stopping = (what: string) => ({ stop: () => Promise.resolve(void done.push(what)) });
  await new AgentLifetime(stopping('agent'), stopping('telemetry')).onApplicationShutdown();
  expect(done).toEqual(['agent', 'telemetry']);
});

test.each([
  ['does not answer', () => new Promise<void>(() => undefined)],
  ['cannot be reached', () => Promise.reject(new Error('ECONNREFUSED'))],
])('a collector that %s holds up no end', async (_, stop) => {
  const lifetime = new AgentLifetime({ stop: () => Promise.resolve() }, { stop }, 1);
  await expect(lifetime.onApplicationShutdown()).resolves.toBeUndefined();
});
