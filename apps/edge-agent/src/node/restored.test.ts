import type { NodeState } from '@openward/activation';
import { expect, test } from 'vitest';
import type { ServedReleases } from '../gateway/served.ts';
import { createRestored } from './restored.ts';

type Listed = ReturnType<ServedReleases['list']>;

function node(services: Record<string, { active: object | null; halted: boolean }>) {
  const now = { isBooted: true, listed: [] as object[] };
  const state = () => ({ isBooted: now.isBooted, durable: { services } }) as unknown as NodeState;
  return { now, isRestored: createRestored(state, { list: () => now.listed as Listed }) };
}

const loading = { service: 'triage', release: null, stopped: 'loading' };
const serving = { service: 'triage', release: 'sha256:1', stopped: null };
const expired = { service: 'triage', release: null, stopped: 'recalled' };

test('a node has restored what served once each release of the journal serves, or was stopped for a reason', () => {
  const { now, isRestored } = node({ triage: { active: {}, halted: false } });
  expect(isRestored()).toBe(false);
  now.listed = [loading];
  expect(isRestored()).toBe(false);
  now.listed = [expired];
  expect(isRestored()).toBe(true);
});

test('once restored it stays so, whatever is loaded anew later', () => {
  const { now, isRestored } = node({ triage: { active: {}, halted: false } });
  now.listed = [serving];
  expect(isRestored()).toBe(true);
  now.listed = [loading];
  expect(isRestored()).toBe(true);
});

test('what the site halted, and a service that never served, are waited for by nobody; the journal is', () => {
  const { now, isRestored } = node({ triage: { active: {}, halted: true }, letters: { active: null, halted: false } });
  now.isBooted = false;
  expect(isRestored()).toBe(false);
  now.isBooted = true;
  expect(isRestored()).toBe(true);
});
