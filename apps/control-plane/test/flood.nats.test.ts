import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { connect as secure } from 'node:tls';
import { inboxPrefix, reportSubject, rpcSubject, type DoctorView } from '@openward/contracts';
import { generateUserKey } from '@openward/messaging';
import { sealDocument } from '@openward/trust';
import { openPersistence } from '@openward/persistence';
import { until } from '@openward/testkit';
import { Agent, fetch } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startNetwork, type Network } from './network.fixture.ts';
import { FakeNode } from './node.fixture.ts';

// One node that sends whatever it likes, as fast as it can, with its real credentials.

let network: Network;
let hostile: FakeNode;
let other: FakeNode;
beforeAll(async () => {
  network = await startNetwork();
  for (const site of ['lakeside', 'river']) await network.admin.post('/sites', { name: site, tier: 'referral' });
  hostile = await FakeNode.enrol(network.admin, 'lakeside', 'lakeside-1');
  other = await FakeNode.enrol(network.admin, 'river', 'river-1');
  for (const node of [hostile, other]) {
    await node.connect();
    await node.told(() => true, 'the first desired state');
    await node.acked(await node.state());
  }
});
afterAll(async () => {
  for (const node of [hostile, other]) await node.close();
  await network.close();
});

const counted = async (metric: RegExp): Promise<number> => {
  const text = await (await network.clientOf(network.admin.url, null).raw('/metrics')).text();
  return Number(metric.exec(text)?.[1] ?? 0);
};
const REFUSED = /openward_reports_total\{[^}]*outcome="refused"[^}]*\} (\d+)/;
const PUT_BACK = /openward_reports_put_back_total(?:\{[^}]*\})? (\d+)/;

it('20,000 frames of one node are read a few at a time, the report of another is committed meanwhile, and doctor names the node', async () => {
  const { nc } = hostile.links[0]!;
  const junk = new Uint8Array(300).fill(65);
  const from = performance.now();
  for (let at = 0; at < 20_000; at++) nc.publish(reportSubject('lakeside', 'lakeside-1'), junk);
  await nc.flush();
  const seq = await other.state();
  await until(async () => (await other.acked(seq)) >= seq, { within: 5_000, what: 'the report of the other' });
  await until(async () => (await counted(PUT_BACK)) > 0, { within: 10_000, what: 'frames that are put back' });
  // Eight in a row, those that were under way, and two a second since.
  const seconds = Math.ceil((performance.now() - from) / 1_000);
  expect(await counted(REFUSED)).toBeLessThanOrEqual(8 + 16 + 2 * seconds);
  const { findings } = (await network.admin.get<DoctorView>('/doctor')).body;
  const named = findings.filter(({ why }) => why.includes('reports are refused'));
  expect(named).toMatchObject([{ level: 'problem', what: 'node lakeside-1 of lakeside' }]);
});

it('10,000 renewals of one node keep no other from its own, and give it few keys', async () => {
  const { nc } = hostile.links[0]!;
  const subject = rpcSubject('lakeside', 'lakeside-1', 'renew');
  let answers = 0;
  const reply = `${inboxPrefix('lakeside', 'lakeside-1', 'control')}.flood`;
  nc.subscribe(reply, { callback: () => void (answers += 1) });
  const pairs = Array.from({ length: 200 }, () => ({
    control: generateUserKey().publicKey,
    bulk: generateUserKey().publicKey,
  }));
  for (let at = 0; at < 10_000; at++) {
    const asked = { v: 1, nonce: String(at).padStart(22, 'A'), ...pairs[at % pairs.length] };
    nc.publish(subject, sealDocument(subject, asked, hostile.identity), { reply });
    // In bursts, so that many are taken and not only refused for the line.
    if (at % 50 === 0) await nc.flush();
  }
  const { control, bulk } = other.keys;
  const from = performance.now();
  await other.call('renew', { control: control.publicKey, bulk: bulk.publicKey });
  expect(await other.acked(await other.state())).toBeGreaterThan(0);
  expect(performance.now() - from).toBeLessThan(5_000);
  await until(() => answers >= 10_000, { within: 30_000, what: 'an answer to each, most of them refusals' });
  const persistence = openPersistence({ url: network.databaseUrl });
  const keys = await persistence.db.selectFrom('node_keys').where('node', '=', 'lakeside-1').select('key').execute();
  await persistence.close();
  // Those that it may make at will, the pair that it came with, and what was under way.
  expect(keys.length).toBeLessThanOrEqual(128 + 2 + 8);
}, 120_000);

/** As many requests as the network's own port takes of one address, from that address, each on a connection of its own. */
async function floodOf(path: string, localAddress: string): Promise<Map<number, number>> {
  const ca = await readFile(network.files.ca, 'utf8');
  const agent = new Agent({ connections: 400, pipelining: 1, connect: { ca, localAddress } });
  const statuses = new Map<number, number>();
  const one = async (): Promise<void> => {
    const response = await fetch(`${network.admin.url}${path}`, { dispatcher: agent });
    const bytes = (await response.arrayBuffer()).byteLength;
    expect(bytes).toBeLessThan(4_096);
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
  };
  await Promise.all(Array.from({ length: 2_000 }, one));
  await agent.destroy();
  return statuses;
}

it.each(['/api/v1/time?nonce=AAAAAAAAAAAAAAAAAAAAAA', '/api/v1/key-sets'])(
  'GET %s from one address, by the thousand, is answered or refused at once, and others are served meanwhile',
  async (path) => {
    const flood = floodOf(path, '127.0.0.1');
    const ca = await readFile(network.files.ca, 'utf8');
    const elsewhere = new Agent({ connect: { ca, localAddress: '127.0.0.2' } });
    for (let at = 0; at < 5; at++) {
      const response = await fetch(`${network.admin.url}${path}`, { dispatcher: elsewhere });
      expect(response.status).toBe(200);
      expect(await network.admin.get('/sites')).toMatchObject({ status: 200 });
      expect(await other.acked(await other.state())).toBeGreaterThan(0);
    }
    await elsewhere.destroy();
    const statuses = await flood;
    expect([...statuses.keys()].every((status) => status === 200 || status === 503)).toBe(true);
    expect(statuses.get(200)).toBeGreaterThan(100);
    expect(statuses.get(503)).toBeGreaterThan(0);
  },
  60_000,
);

it('slow bodies from many connections hold nobody’s turn', async () => {
  const { hostname, port } = new URL(network.admin.url);
  const ca = await readFile(network.files.ca, 'utf8');
  const head = ['POST /api/v1/renew HTTP/1.1', `host: ${hostname}`, 'content-type: application/octet-stream'];
  const slow = await Promise.all(
    Array.from({ length: 40 }, async (_, at) => {
      const line = connect({ host: hostname, port: Number(port), localAddress: `127.0.0.${3 + (at % 10)}` });
      const socket = secure({ socket: line, host: hostname, ca });
      await once(socket, 'secureConnect');
      socket.on('error', () => {});
      socket.write([...head, 'content-length: 1000', '', 'x'].join('\r\n'));
      return socket;
    }),
  );
  const from = performance.now();
  const asked = await network.clientOf(network.admin.url, null).raw('/api/v1/time?nonce=AAAAAAAAAAAAAAAAAAAAAA');
  expect(asked.status).toBe(200);
  // Long before the first of those bodies is given up.
  expect(performance.now() - from).toBeLessThan(4_000);
  for (const socket of slow) socket.destroy();
}, 30_000);
