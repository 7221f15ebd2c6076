import type { AuditEntry, Plan, RolloutView } from '@openward/contracts';
import { until } from '@openward/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FakeNode } from './node.fixture.ts';
import { startNetwork, type Client, type Network } from './network.fixture.ts';
import { catalogue } from './registry.fixture.ts';

// R9: two replicas side by side, no leader. Everything that they know is in PostgreSQL.

let network: Network;
let one: Client;
let two: Client;
const nodes: FakeNode[] = [];
const SITES = ['alder', 'birch', 'cedar', 'dogwood'];

beforeAll(async () => {
  network = await startNetwork();
  one = network.admin;
  two = (await network.replica()).client;
  for (const [at, name] of SITES.entries()) {
    // Made by one, known to the other.
    await one.post('/sites', { name, tier: 'district' });
    const node = await FakeNode.enrol(at % 2 === 0 ? two : one, name, `${name}-1`);
    nodes.push(node);
    await node.connect();
    await node.told(() => true, 'the first desired state');
    await node.acked(await node.state());
  }
  await catalogue(two);
});
afterAll(async () => {
  for (const node of nodes) await node.close();
  await network.close();
});

const SOAK = { soakMs: 0, errorShare: 0.05, minRequests: 20, restarts: 3, probeTimeoutMs: 1000 };
const request = {
  service: 'triage',
  release: 1,
  waves: [{ by: 'sites', sites: ['alder'] }, { by: 'sites', sites: ['birch', 'cedar'] }, { by: 'rest' }],
  settings: { soak: SOAK, waveDeadlineMs: 60_000, maxConcurrent: 2 },
};

const auditOf = async (id: string): Promise<AuditEntry[]> => {
  const found = await two.get<{ items: AuditEntry[] }>(`/audit?subject=rollout:${id}&limit=200`);
  return found.body.items.toReversed();
};

it('start a rollout once, however often and wherever it is asked, and begin and pass each wave once', async () => {
  const { body: plan } = await one.post<Plan>('/rollouts/plan', request);
  expect(plan.waves.map((wave) => wave.nodes.length)).toEqual([1, 2, 1]);
  const start = { plan: request, approvedHash: plan.hash };
  const sameKey = { 'idempotency-key': 'the-same' };
  const answers = await Promise.all(
    [one, two, one, two].flatMap((client) => [
      client.post<RolloutView>('/rollouts', start, sameKey),
      client.post<RolloutView>('/rollouts', start),
    ]),
  );
  const started = answers.filter((it) => it.status === 201).map((it) => it.body.id);
  expect(new Set(started).size).toBe(1);
  const refused = answers.filter((it) => it.status !== 201).map((it) => (it.body as unknown as { code: string }).code);
  expect(new Set(refused)).toEqual(new Set(['rolloutLive']));
  const [id = ''] = started;

  await Promise.all(nodes.map((node) => node.take()));
  await until(async () => (await two.get<RolloutView>(`/rollouts/${id}`)).body.status === 'completed', {
    within: 20_000,
    what: 'the end of the rollout',
  });
  for (const node of nodes) await node.assigned('complete');

  const audit = await auditOf(id);
  const waves = audit
    .filter((it) => it.action.startsWith('wave'))
    .map((it) => [it.action, (it.details as { wave: number }).wave]);
  expect(waves).toEqual([
    ['waveStarted', 0],
    ['wavePassed', 0],
    ['waveStarted', 1],
    ['wavePassed', 1],
    ['waveStarted', 2],
    ['wavePassed', 2],
  ]);
  expect(audit.filter((it) => it.action === 'rolloutStarted')).toHaveLength(1);
  expect(audit.filter((it) => it.action === 'completed')).toHaveLength(1);
  expect(audit.filter((it) => it.action === 'permitGranted')).toHaveLength(4);
});

it('tell a desired state once for each generation, and never an older one after a newer one (D3)', async () => {
  for (const node of nodes) {
    const { items } = (await one.get<{ items: { name: string; ackedThrough: number }[] }>('/nodes')).body;
    expect(items.find((it) => it.name === node.node)?.ackedThrough).toBe(node.seq);
    const numbers = node.seen.map((state) => state.generation.number);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  }
});

it('go on when one of them is gone', async () => {
  const third = await network.replica();
  await third.plane.close();
  expect((await two.raw('/ready')).status).toBe(200);
  const [node] = nodes;
  await node?.acked(await node.state());
});
