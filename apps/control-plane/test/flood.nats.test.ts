import { reportSubject, type DoctorView } from '@openward/contracts';
import { until } from '@openward/testkit';
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
