import {
  inboxPrefix,
  rpcSubject,
  type DoctorView,
  type ModelView,
  type NodeView,
  type Page,
  type Plan,
  type ReleaseView,
  type RolloutView,
} from '@openward/contracts';
import { openPersistence } from '@openward/persistence';
import { sealDocument } from '@openward/trust';
import { until } from '@openward/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startLakeside, type Lakeside } from './lakeside.fixture.ts';
import type { Client, Network } from './network.fixture.ts';
import { FakeNode } from './node.fixture.ts';
import { push } from './registry.fixture.ts';

// What operators stumbled over.

let lakeside: Lakeside;
let network: Network;
let admin: Client;
let node: FakeNode;
beforeAll(async () => {
  lakeside = await startLakeside();
  ({ network, admin, node } = lakeside);
});
afterAll(() => lakeside[Symbol.asyncDispose]());

const REQUEST = { service: 'triage', release: 1, settings: { waveDeadlineMs: 60_000 } };

it('a node that is gone is named within half a minute: who, since when, and that its site clears it; a report is not asked for', async () => {
  const { body: plan } = await admin.post<Plan>('/rollouts/plan', REQUEST);
  const { body: started } = await admin.post<RolloutView>('/rollouts', { plan: REQUEST, approvedHash: plan.hash });
  const link = async (): Promise<NodeView['link']> => (await admin.get<NodeView>('/nodes/lakeside-1')).body.link;
  await until(async () => (await link())?.connected === true, { within: 30_000, every: 200, what: 'a connected node' });
  await node.says('fetching');
  await node.acked(node.seq);
  await node.close();
  await until(async () => (await link())?.connected === false, { within: 45_000, every: 200, what: 'its absence' });
  const since = (await link())?.since;
  const { body: doctor } = await admin.get<DoctorView>('/doctor');
  expect(doctor.findings).toContainEqual(
    expect.objectContaining({
      level: 'warning',
      what: 'node lakeside-1 of lakeside',
      since,
      next: expect.stringContaining('The site clears it') as string,
    }),
  );
  const { body: rollout } = await admin.get<RolloutView>(`/rollouts/${started.id}`);
  expect(rollout.nodes[0]?.waits.map(({ code, clearedBy }) => [code, clearedBy])).toEqual([['unreached', 'site']]);
  expect(rollout.nodes[0]?.step).toBe('fetching');
  const { body: listed } = await admin.get<Page<NodeView>>('/nodes');
  expect(listed.items[0]?.link).toEqual({ connected: false, since });
  await admin.post(`/rollouts/${started.id}/abort`);
}, 120_000);

it('a stream of events ends within seconds once its token is revoked', async () => {
  const { body } = await admin.post<{ token: string }>('/access-tokens', { name: 'reader', role: 'auditor' });
  const response = await network.clientOf(admin.url, body.token).raw('/api/v1/events');
  expect(response.status).toBe(200);
  const reader = response.body!.getReader();
  let ended = false;
  const reading = (async () => {
    while (!(await reader.read()).done);
    ended = true;
  })();
  expect((await admin.raw('/api/v1/access-tokens/reader', { method: 'DELETE' })).status).toBe(204);
  await until(() => ended, { within: 10_000, every: 50, what: 'the end of the stream' });
  await reading;
});

it('an auditor’s dry runs leave no row behind; an admin’s plan is kept for its start (R1)', async () => {
  const { body } = await admin.post<{ token: string }>('/access-tokens', { name: 'planner', role: 'auditor' });
  const auditor = network.clientOf(admin.url, body.token);
  const persistence = openPersistence({ url: network.databaseUrl });
  const plans = async (): Promise<number> =>
    (await persistence.db.selectFrom('idempotency_keys').where('key', 'like', '#plan %').select('key').execute())
      .length;
  const before = await plans();
  for (let seed = 1; seed <= 5; seed++) {
    expect(await auditor.post('/rollouts/plan', { ...REQUEST, settings: { seed } })).toMatchObject({ status: 200 });
  }
  expect(await plans()).toBe(before);
  expect(await admin.post('/rollouts/plan', { ...REQUEST, settings: { seed: 1 } })).toMatchObject({ status: 200 });
  expect(await plans()).toBe(before + 1);
  await persistence.close();
});

it('a model version is retired once nothing stands on it, and from then on nothing names it (D7)', async () => {
  const { body: made } = await admin.get<ReleaseView>('/releases/triage/1');
  const { name, version } = made.release.model;
  const retire = () => admin.post<ModelView>(`/models/${name}/versions/${version}/retire`, { reason: 'superseded' });
  const says = async (active: string | null): Promise<void> => {
    const service = { service: 'triage', active, lastGood: active, anchor: made.digest, pinned: active !== null };
    await node.acked(await node.state([{ ...service, serving: active === null ? 'notServing' : 'serving' }]));
  };
  node = await FakeNode.enrol(admin, 'lakeside', 'lakeside-2');
  await node.connect();
  await node.told(() => true, 'the first desired state');
  await says(made.digest);
  expect(await admin.get('/releases/triage/1/recall')).toMatchObject({
    body: { serving: 1, leftWithNothing: 1, nodes: [{ node: 'lakeside-2', site: 'lakeside' }] },
  });
  const { body: plan } = await admin.post<Plan>('/rollouts/plan', REQUEST);
  const { body: started } = await admin.post<RolloutView>('/rollouts', { plan: REQUEST, approvedHash: plan.hash });
  const inUse = await retire();
  expect(inUse).toMatchObject({ status: 409, body: { code: 'modelInUse' } });
  expect(JSON.stringify(inUse.body)).toContain(`rollout ${started.id}`);
  expect(JSON.stringify(inUse.body)).toContain('node lakeside-2 has triage release 1');
  await admin.post(`/rollouts/${started.id}/abort`);
  expect(JSON.stringify((await retire()).body)).toContain('node lakeside-2 has triage release 1');
  await says(null);
  await until(async () => (await retire()).status === 200, { within: 20_000, every: 200, what: 'the retirement' });
  expect(await retire()).toMatchObject({ status: 409, body: { code: 'modelRetired' } });
  const { body: view } = await admin.get<ModelView>(`/models/${name}/versions/${version}`);
  expect(view.retiredAt).not.toBeNull();

  const isRefused = { status: 409, body: { code: 'modelRetired' } };
  const { policy, suite, parameters } = made.release;
  const asked = { service: 'triage', change: 'base', model: { name, version }, parameters };
  const again = {
    ...asked,
    policy: { id: policy.id, revision: policy.revision },
    suite: { name: suite.name, version: suite.version },
  };
  expect(await admin.post('/releases', again)).toMatchObject(isRefused);
  expect(await admin.post('/rollouts/plan', REQUEST)).toMatchObject(isRefused);
  expect(await push(admin, { file: 'triage-nano-1.f16.gguf', version, variant: 'other' })).toMatchObject(isRefused);
}, 60_000);

it('one node’s flood of 20,000 calls, each of which would wait, keeps no other node from its answers', async () => {
  const [flooding, other] = [
    await FakeNode.enrol(admin, 'lakeside', 'lakeside-3'),
    await FakeNode.enrol(admin, 'lakeside', 'lakeside-4'),
  ];
  const [link] = [await flooding.connect(), await other.connect()];
  const subject = rpcSubject('lakeside', 'lakeside-3', 'acked');
  const ask = { v: 1, nonce: 'A'.repeat(22), through: 1_000_000 };
  const frame = sealDocument(subject, ask, flooding.identity);
  let answers = 0;
  const reply = `${inboxPrefix('lakeside', 'lakeside-3', 'control')}.flood`;
  link.nc.subscribe(reply, { callback: () => void (answers += 1) });
  for (let at = 0; at < 20_000; at++) link.nc.publish(subject, frame, { reply });
  for (let at = 0; at < 5; at++) expect(await other.acked(0)).toBe(0);
  expect(await other.acked(await other.state())).toBe(1);
  // Almost all were refused at once, with nothing looked up for them.
  await until(() => answers > 15_000, { within: 20_000, what: 'refusals of the flood' });
  await flooding.close();
  await other.close();
}, 60_000);
