import type { DoctorView, Plan, RolloutView } from '@openward/contracts';
import { until } from '@openward/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startNetwork, type Network } from './network.fixture.ts';
import { FakeNode } from './node.fixture.ts';
import { catalogue } from './registry.fixture.ts';

let network: Network;
let node: FakeNode;
beforeAll(async () => {
  network = await startNetwork();
  await network.admin.post('/sites', { name: 'lakeside', tier: 'referral' });
  node = await FakeNode.enrol(network.admin, 'lakeside', 'lakeside-1');
  await node.connect();
  await node.told(() => true, 'the first desired state');
  await node.acked(await node.state());
  await catalogue(network.admin);
});
afterAll(async () => {
  await node.close();
  await network.close();
});

const REQUEST = { service: 'triage', release: 1, settings: { waveDeadlineMs: 60_000 } };

async function start(): Promise<string> {
  const { body: plan } = await network.admin.post<Plan>('/rollouts/plan', REQUEST);
  const { body } = await network.admin.post<RolloutView>('/rollouts', { plan: REQUEST, approvedHash: plan.hash });
  return body.id;
}

const shown = async (id: string): Promise<RolloutView> =>
  (await network.admin.get<RolloutView>(`/rollouts/${id}`)).body;

const rowOf = async (id: string) =>
  (await network.admin.get<DoctorView>('/doctor')).body.findings.find(({ what }) => what.startsWith(`rollout ${id}`));

it('a rollout that failed says what failed, where, why and what next, until another takes the node', async () => {
  const id = await start();
  const assignment = await node.assigned('proceed');
  await node.state([
    {
      service: 'triage',
      active: null,
      lastGood: null,
      anchor: null,
      serving: 'notServing',
      pinned: false,
      assignment: {
        assignment: assignment.id,
        planHash: assignment.planHash,
        step: 'failed',
        outcome: 'noChange',
        reason: 'gateError',
        failure: 'contextTooLong',
        restarts: 0,
      },
    },
  ]);
  await until(async () => (await shown(id)).endedAt !== null, { within: 15_000, every: 100, what: 'the end' });
  const view = await shown(id);
  expect(view).toMatchObject({
    status: 'rolledBack',
    ending: { by: 'engine', why: '1 failed, 0 tolerated: lakeside-1 (gate error: context too long)' },
    nodes: [{ failure: { code: 'contextTooLong' } }],
  });
  expect(await rowOf(id)).toMatchObject({
    level: 'warning',
    why: 'engine ended it; lakeside-1 of lakeside: it failed: gate error (context too long), and nothing changed there',
    since: view.endedAt,
    next: expect.stringContaining('shorten the policy’s system prompt') as string,
  });
  const next = await start();
  expect(await rowOf(id)).toBeUndefined();
  expect(await rowOf(next)).toBeDefined();
});
