import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Plan, RolloutView } from '@openward/contracts';

import { fetchChunk, until } from '@openward/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FakeNode } from './node.fixture.ts';
import { startNetwork, type Client, type Network } from './network.fixture.ts';
import { catalogue } from './registry.fixture.ts';

let network: Network;
let admin: Client;
const nodes: FakeNode[] = [];
beforeAll(async () => {
  network = await startNetwork();
  admin = network.admin;
  for (const name of ['lakeside', 'hilltop']) {
    await admin.post('/sites', { name, tier: 'referral' });
    const node = await FakeNode.enrol(admin, name, `${name}-1`);
    nodes.push(node);
    await node.connect();
    await node.told(() => true, 'the first desired state');
    await node.acked(await node.state());
  }
  await catalogue(admin);
});
afterAll(async () => {
  for (const node of nodes) await node.close();
  await network.close();
});

it('makes again all that NATS lost: revocations, streams, desired states and chunks (D5)', async () => {
  const [node, revoked] = nodes;
  if (node === undefined || revoked === undefined) throw new Error('no nodes');
  const request = {
    service: 'triage',
    release: 1,
    settings: { waveDeadlineMs: 60_000 },
    select: { labels: { site: ['lakeside'] } },
  };
  const { body: plan } = await admin.post<Plan>('/rollouts/plan', request);
  const { body: rollout } = await admin.post<RolloutView>('/rollouts', { plan: request, approvedHash: plan.hash });
  const { variant } = await node.assigned('proceed');
  await admin.post('/nodes/hilltop-1/revoke', { reason: 'stolen' });
  Object.assign(
    node.reply,
    await node.call('renew', { control: node.keys.control.publicKey, bulk: node.keys.bulk.publicKey }),
  );
  const before = node.seen.length;

  await network.restartNats(async (dir) => {
    await rm(join(dir, 'jetstream'), { recursive: true, force: true });
    await rm(join(dir, 'jwt'), { recursive: true, force: true });
  });
  await until(async () => (await admin.raw('/ready')).status === 200, {
    within: 20_000,
    what: 'the control plane is back',
  });

  // It is told again, from a bucket that began at nothing, and goes on.
  await until(() => node.seen.length > before, { within: 20_000, what: 'the desired state again' });
  const bulk = await node.connect('bulk');
  const { family, manifest } = variant.artifact;
  await until(async () => (await fetchChunk(bulk, family, manifest).catch(() => null)) !== null, {
    within: 20_000,
    what: 'the chunks again',
  });
  await node.take();
  await until(async () => (await admin.get<RolloutView>(`/rollouts/${rollout.id}`)).body.status === 'completed', {
    within: 20_000,
    what: 'the end',
  });

  const refused = await revoked.links[0]?.whenConnected(AbortSignal.timeout(2_000)).then(
    () => 'connected',
    () => 'refused',
  );
  expect(refused).toBe('refused');
});

it('says in /ready and to a caller that NATS is away, and lives on', async () => {
  await network.nats().stop();
  await until(async () => (await admin.raw('/ready')).status === 503, { within: 10_000, what: 'that it is not ready' });
  expect((await admin.raw('/health')).status).toBe(200);
  expect(await admin.get('/sites')).toMatchObject({ status: 200 });
});
