import {
  DesiredState,
  RenewReply,
  type DoctorView,
  type Plan,
  type ReleaseView,
  type RolloutView,
} from '@openward/contracts';
import { generateUserKey } from '@openward/messaging';
import { openDocument, sealDocument } from '@openward/trust';
import { until } from '@openward/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { FakeNode } from './node.fixture.ts';
import { startLakeside, type Lakeside } from './lakeside.fixture.ts';
import type { Client, Network } from './network.fixture.ts';

let lakeside: Lakeside;
let network: Network;
let admin: Client;
let node: FakeNode;
beforeAll(async () => {
  lakeside = await startLakeside();
  ({ network, admin, node } = lakeside);
});
afterAll(() => lakeside[Symbol.asyncDispose]());

const octets = { 'content-type': 'application/octet-stream' };

async function listen(client: Client, path: string): Promise<{ seen: string[]; stop: () => Promise<void> }> {
  const response = await client.raw(`/api/v1${path}`);
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const seen: string[] = [];
  const reader = response.body!.getReader();
  void (async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read())
      seen.push(Buffer.from(part.value as Uint8Array).toString());
  })().catch(() => {});
  return { seen, stop: () => reader.cancel() };
}

const start = async (settings: object = {}): Promise<string> => {
  const request = { service: 'triage', release: 1, settings: { waveDeadlineMs: 60_000, ...settings } };
  const { body: plan } = await admin.post<Plan>('/rollouts/plan', request);
  const started = await admin.post<RolloutView>('/rollouts', { plan: request, approvedHash: plan.hash });
  expect(started.status).toBe(201);
  return started.body.id;
};

it('a node renews over HTTPS by its identity alone, and learns the time (K3)', async () => {
  const nonce = 'A'.repeat(22);
  const ask = { v: 1, nonce, control: generateUserKey().publicKey, bulk: generateUserKey().publicKey };
  const body = sealDocument('POST /api/v1/renew', ask, node.identity);
  const client = network.clientOf(admin.url, null);
  const response = await client.raw('/api/v1/renew', { method: 'POST', body, headers: octets });
  expect(response.status).toBe(200);
  const keys = node.reply.keySet.keys;
  const opened = openDocument('POST /api/v1/renew', new Uint8Array(await response.arrayBuffer()), keys, RenewReply);
  expect(opened).toMatchObject({ value: { nonce } });
  // Whoever kept the frame gets nothing for it.
  const again = await client.raw('/api/v1/renew', { method: 'POST', body, headers: octets });
  expect(await again.json()).toMatchObject({ code: 'renewalReplayed' });
  const time = await client.raw(`/api/v1/time?nonce=${nonce}`);
  const told = openDocument(
    'GET /api/v1/time',
    new Uint8Array(await time.arrayBuffer()),
    keys,
    z.object({ nonce: z.string(), now: z.string() }),
  );
  expect(told).toMatchObject({ value: { nonce } });
  // Back to the keys that it is connected with.
  await node.call('renew', { control: node.keys.control.publicKey, bulk: node.keys.bulk.publicKey });
});

it('what one replica commits is heard at another, and doctor says what waits (R8)', async () => {
  const { client: other } = await network.replica();
  const id = await start();
  const all = await listen(other, '/events');
  const its = await listen(other, `/rollouts/${id}/events`);
  await until(() => its.seen.join('').includes(id), { within: 5_000, what: 'the first event' });
  await admin.post(`/rollouts/${id}/pause`, { reason: 'lunch' });
  await until(() => all.seen.join('').includes(id), { within: 5_000, what: 'the pause' });
  await until(() => its.seen.join('').split(id).length > 2, { within: 5_000, what: 'the pause on its own stream' });
  const { body } = await admin.get<DoctorView>('/doctor');
  expect(body.findings.some((it) => it.why.includes('lunch') && it.next.includes('A network admin'))).toBe(true);
  expect(await network.clientOf(other.url, null).get('/events')).toMatchObject({ status: 401 });
  await admin.post(`/rollouts/${id}/resume`);
  await admin.post(`/rollouts/${id}/abort`);
  await all.stop();
  await its.stop();
});

it('a recall takes back what is under way, and every node is told (R4, guarantee 7)', async () => {
  const id = await start();
  await node.take('running');
  await node.acked(node.seq);
  const { body: release } = await admin.get<ReleaseView>('/releases/triage/1');
  const recalled = await admin.post<ReleaseView>('/releases/triage/1/recall', { reason: 'it misses strokes' });
  expect(recalled).toMatchObject({ status: 200, body: { recalled: { by: 'bootstrap', reason: 'it misses strokes' } } });
  const told = await node.told((state) => state.recalled.includes(release.digest), 'the recall');
  expect(DesiredState.parse(told).services[0]?.assignment?.phase).toBe('rollBack');
  expect(await node.permit()).toMatchObject({ granted: false });
  await node.says('rolledBack');
  await until(async () => (await admin.get<RolloutView>(`/rollouts/${id}`)).body.status === 'rolledBack', {
    within: 10_000,
    what: 'the way back',
  });
  const plan = await admin.post('/rollouts/plan', { service: 'triage', release: 1 });
  expect(plan).toMatchObject({ status: 409, body: { code: 'releaseRecalled' } });
});

it('a control plane behind its nodes turns read-only until a new epoch is opened (D6)', async () => {
  await node.acked(await node.state([], { generation: { epoch: 1, number: 999 } }));
  const refused = await admin.post('/sites', { name: 'hilltop', tier: 'primary' });
  expect(refused).toMatchObject({ status: 503, body: { code: 'readOnly' } });
  expect(await admin.post('/rollouts/ro-aaaaaaaa/resume', {})).toMatchObject({ body: { code: 'readOnly' } });
  // What only takes away is let through: of these there is none, and the recall is done once more.
  for (const [way, body] of [
    ['pause', {}],
    ['abort', {}],
    ['rollback', { reason: 'harm' }],
  ] as const) {
    expect(await admin.post(`/rollouts/ro-aaaaaaaa/${way}`, body)).toMatchObject({ status: 404 });
  }
  expect(await admin.post('/releases/triage/1/recall', { reason: 'harm' })).toMatchObject({ status: 200 });
  const { body } = await admin.get<DoctorView>('/doctor');
  expect(body.findings[0]).toMatchObject({ level: 'problem', what: 'the control plane is read-only' });
  expect(await admin.post('/epoch', { reason: 'the backup of Monday' })).toMatchObject({
    status: 201,
    body: { epoch: 2 },
  });
  await node.told((state) => state.generation.epoch === 2, 'the new epoch');
  expect(await admin.post('/sites', { name: 'hilltop', tier: 'primary' })).toMatchObject({ status: 201 });
});

it('a revoked node is cut off at once, renews nowhere, and its place can be taken', async () => {
  const other = await FakeNode.enrol(admin, 'hilltop', 'hilltop-1');
  const link = await other.connect();
  await other.acked(await other.state());
  const gone = new Promise<string>((resolve) => {
    link.onEvent((event) => {
      if (['revoked', 'disconnected', 'refused'].includes(event.type)) resolve(event.type);
    });
  });
  // It has renewed for other keys meanwhile: what it still holds for the first ones is cut off all the same.
  const fresh = {
    v: 1,
    nonce: 'B'.repeat(22),
    control: generateUserKey().publicKey,
    bulk: generateUserKey().publicKey,
  };
  const renewal = sealDocument('POST /api/v1/renew', fresh, other.identity);
  expect((await admin.raw('/api/v1/renew', { method: 'POST', body: renewal, headers: octets })).status).toBe(200);
  expect(await admin.post('/nodes/hilltop-1/revoke', { reason: 'stolen' })).toMatchObject({ status: 200 });
  await gone;
  const ask = { v: 1, nonce: 'A'.repeat(22), control: other.keys.control.publicKey, bulk: other.keys.bulk.publicKey };
  const body = sealDocument('POST /api/v1/renew', ask, other.identity);
  const renewed = await admin.raw('/api/v1/renew', { method: 'POST', body, headers: octets });
  expect(await renewed.json()).toMatchObject({ code: 'nodeRevoked' });
  expect(await admin.post('/nodes/hilltop-1/revoke', { reason: 'again' })).toMatchObject({ status: 409 });
  await other.close();
  const anew = await FakeNode.enrol(admin, 'hilltop', 'hilltop-1');
  await anew.connect();
  await anew.told(() => true, 'its first desired state');
  await anew.acked(await anew.state());
  await anew.close();
  // The claims that were pushed for the one have disturbed no other.
  await admin.post('/epoch', { reason: 'to tell everybody something' });
  await node.told((state) => state.generation.epoch === 3, 'another epoch');
});

it('metrics are told to loopback', async () => {
  const text = await (await network.clientOf(admin.url, null).raw('/metrics')).text();
  expect(text).toMatch(/openward_reports_total\{.*outcome="stored".*\} [1-9]/);
  expect(text).toMatch(/route="\/api\/v1\/sites"/);
});
