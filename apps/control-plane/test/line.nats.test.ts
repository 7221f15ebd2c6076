import { afterAll, beforeAll, expect, it } from 'vitest';
import { FakeNode, sendEnrol } from './node.fixture.ts';
import { startNetwork, type Network } from './network.fixture.ts';

let network: Network;
let nodes: FakeNode[];
beforeAll(async () => {
  nodes = [];
  network = await startNetwork();
});
afterAll(async () => {
  for (const node of nodes) await node.close();
  await network.close();
});

it('takes a node from a token to a desired state and an acknowledged report (K2, D3, D4)', async () => {
  const { admin } = network;
  expect((await admin.raw('/health')).status).toBe(200);
  expect((await admin.raw('/ready')).status).toBe(200);
  expect(await admin.get('/me')).toMatchObject({ status: 200, body: { name: 'bootstrap', role: 'admin' } });
  const site = await admin.post('/sites', { name: 'lakeside', tier: 'referral', labels: { region: 'west' } });
  expect(site).toMatchObject({ status: 201, body: { name: 'lakeside', languages: ['en'], nodes: 0 } });

  const node = await FakeNode.enrol(admin, 'lakeside', 'lakeside-1');
  nodes.push(node);
  expect(node.reply).toMatchObject({ site: 'lakeside', node: 'lakeside-1' });
  await node.connect();
  const state = await node.told(() => true, 'the first desired state');
  expect(state).toMatchObject({
    site: 'lakeside',
    node: 'lakeside-1',
    generation: { epoch: 1, number: 1 },
    services: [],
  });

  const seq = await node.state();
  expect(await node.acked(seq)).toBe(seq);
  expect(await admin.get('/nodes/lakeside-1')).toMatchObject({ body: { ackedThrough: 1, class: { threads: 4 } } });
  expect(
    await node.call('hello', { boot: node.boot, lastSeq: 0, ledger: { seq: 0, head: `sha256:${'0'.repeat(64)}` } }),
  ).toMatchObject({ ackedThrough: 1, newestSeq: 1, ledger: { seq: 1 } });
});

it('refuses a token that is unknown, expired or used, and a seal that does not hold', async () => {
  const { admin } = network;
  const made = await admin.post<{ token: string }>('/sites/lakeside/tokens', {});
  const first = await sendEnrol(admin, { name: 'lakeside-2', token: made.body.token });
  expect(first.response.status).toBe(200);
  const second = await sendEnrol(admin, { name: 'lakeside-3', token: made.body.token });
  expect(second.response.status).toBe(401);
  expect(await second.response.json()).toMatchObject({ code: 'tokenUsed' });
  const again = await sendEnrol(admin, { name: 'lakeside-2', token: made.body.token, identity: first.identity });
  expect(again.response.status).toBe(200);
});
