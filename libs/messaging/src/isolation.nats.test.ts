import { randomUUID } from 'node:crypto';
import {
  CHUNK_STREAM,
  DESIRED_STREAM,
  REPORT_STREAM,
  chunkSubject,
  desiredSubject,
  digestOfBytes,
  inboxPrefix,
  reportSubject,
  rpcSubject,
} from '@openward/contracts';
import {
  fetchChunk,
  publishChunk,
  natsServers,
  startNatsNetwork,
  until,
  type NatsNetwork,
  type TestNode,
} from '@openward/testkit';
import { headers, type NatsConnection } from '@nats-io/nats-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NodeLink } from './connect-node.ts';
import { putDesired, readDesired } from './desired.ts';
import { publishReport } from './reports.ts';
import { serveCalls } from './nest/serving.fixture.ts';
import { request } from './rpc.ts';

const frame = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

/** What the server says against the node's next acts, up to `flush`. */
async function violations(link: NodeLink, act: (nc: NatsConnection) => void): Promise<string[]> {
  const said: string[] = [];
  const stop = link.onEvent((event) => {
    if (event.type === 'error') said.push(event.error.message);
  });
  act(link.nc);
  await link.nc.flush();
  // What the server says comes before its answer to the flush, and is told a microtask later.
  await link.nc.flush();
  stop();
  return said;
}

describe.each(natsServers())('a node with its real credentials, on server $version', ({ path, version }) => {
  let network: NatsNetwork;
  let n1: TestNode;
  let n2: TestNode;
  let control: NodeLink;
  let bulk: NodeLink;
  const reply = (): string => `${inboxPrefix('s1', 'n1', 'control')}.x`;

  beforeAll(async () => {
    network = await startNatsNetwork({ bin: path, version });
    n1 = await network.enrol({ site: 's1', node: 'n1', families: ['family-a', 'family-b'] });
    n2 = await network.enrol({ site: 's1', node: 'n2' });
    control = await n1.connect('control');
    bulk = await n1.connect('bulk');
    await putDesired(network.engine, n1, frame('for n1'), 0);
    await putDesired(network.engine, n2, frame('for n2'), 0);
  });
  afterAll(() => network?.close());

  const denied: readonly (readonly [string, (nc: NatsConnection) => void])[] = [
    [
      "read another's desired state",
      (nc) => nc.publish(`$JS.API.DIRECT.GET.${DESIRED_STREAM}.${desiredSubject('s1', 'n2')}`, '', { reply: reply() }),
    ],
    [
      "read another's desired state by a body",
      (nc) =>
        nc.publish(
          `$JS.API.DIRECT.GET.${DESIRED_STREAM}`,
          JSON.stringify({ last_by_subj: desiredSubject('s1', 'n2') }),
          { reply: reply() },
        ),
    ],
    [
      "read another's desired state from the stream",
      (nc) => nc.publish(`$JS.API.STREAM.MSG.GET.${DESIRED_STREAM}`, '{"seq":1}', { reply: reply() }),
    ],
    [
      "pull from another's durable",
      (nc) => nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${DESIRED_STREAM}.n2`, '', { reply: reply() }),
    ],
    ["acknowledge for another's durable", (nc) => nc.publish(`$JS.ACK.${DESIRED_STREAM}.n2.1.1.1.1.0`, '+ACK')],
    ["publish another's report", (nc) => nc.publish(reportSubject('s1', 'n2'), 'x')],
    ["call in another's name", (nc) => nc.publish(rpcSubject('s1', 'n2', 'permit'), 'x', { reply: reply() })],
    ["write another's desired state", (nc) => nc.publish(desiredSubject('s1', 'n2'), 'x')],
    ['write its own desired state', (nc) => nc.publish(desiredSubject('s1', 'n1'), 'x')],
    ['publish a chunk', (nc) => nc.publish(chunkSubject('family-a', digestOfBytes('x')), 'x')],
    ['create a consumer', (nc) => nc.publish(`$JS.API.CONSUMER.CREATE.${DESIRED_STREAM}.x`, '{}', { reply: reply() })],
    [
      'create a durable',
      (nc) => nc.publish(`$JS.API.CONSUMER.DURABLE.CREATE.${DESIRED_STREAM}.x`, '{}', { reply: reply() }),
    ],
    ["delete another's durable", (nc) => nc.publish(`$JS.API.CONSUMER.DELETE.${DESIRED_STREAM}.n2`, '')],
    ['create a stream', (nc) => nc.publish('$JS.API.STREAM.CREATE.X', '{"name":"X"}', { reply: reply() })],
    ['change a stream', (nc) => nc.publish(`$JS.API.STREAM.UPDATE.${REPORT_STREAM}`, '{}', { reply: reply() })],
    ['delete a stream', (nc) => nc.publish(`$JS.API.STREAM.DELETE.${REPORT_STREAM}`, '', { reply: reply() })],
    ['purge a stream', (nc) => nc.publish(`$JS.API.STREAM.PURGE.${CHUNK_STREAM}`, '', { reply: reply() })],
    ['list streams', (nc) => nc.publish('$JS.API.STREAM.NAMES', '', { reply: reply() })],
    ['push account claims', (nc) => nc.publish('$SYS.REQ.CLAIMS.UPDATE', 'x', { reply: reply() })],
    ["subscribe to another's inbox", (nc) => void nc.subscribe(`${inboxPrefix('s1', 'n2', 'control')}.>`)],
    ["subscribe to its bulk link's inbox", (nc) => void nc.subscribe(`${inboxPrefix('s1', 'n1', 'bulk')}.>`)],
    ['subscribe to reports', (nc) => void nc.subscribe('ow.v1.rpt.>')],
    ['subscribe to calls', (nc) => void nc.subscribe('ow.v1.rpc.>')],
    ['subscribe to desired states', (nc) => void nc.subscribe('$KV.>')],
    ['subscribe to everything', (nc) => void nc.subscribe('>')],
    ['subscribe to the system', (nc) => void nc.subscribe('$SYS.>')],
    ['subscribe to advisories', (nc) => void nc.subscribe('$JS.EVENT.>')],
    [
      'fetch a chunk over the control link',
      (nc) =>
        nc.publish(`$JS.API.DIRECT.GET.${CHUNK_STREAM}.${chunkSubject('family-a', digestOfBytes('x'))}`, '', {
          reply: reply(),
        }),
    ],
  ];

  it.each(denied)('cannot %s', async (_, act) => {
    expect(await violations(control, act)).toEqual([expect.stringContaining('Permissions Violation')]);
  });

  it('cannot use its bulk link for anything but chunks of its families (D2)', async () => {
    const chunk = frame('a chunk');
    const digest = digestOfBytes(chunk);
    for (const family of ['family-a', 'family-c']) await publishChunk(network.engine, family, chunk);
    expect(text((await fetchChunk(bulk, 'family-a', digest)) ?? undefined)).toBe('a chunk');
    expect(await fetchChunk(bulk, 'family-b', digest)).toBeNull();
    await expect(fetchChunk(bulk, 'family-c', digest, { timeoutMs: 500 })).rejects.toThrow(/Permissions Violation/);
    expect(await violations(bulk, (nc) => nc.publish(reportSubject('s1', 'n1'), 'x'))).toHaveLength(1);
  });

  it("cannot write a report as another by the reply's subject", async () => {
    const { jsm } = network.engine;
    const before = (await jsm.streams.info(REPORT_STREAM)).state.messages;
    const foreign = { reply: reportSubject('s1', 'n2') };
    control.nc.publish(`$JS.API.DIRECT.GET.${DESIRED_STREAM}.${desiredSubject('s1', 'n1')}`, '', foreign);
    control.nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${DESIRED_STREAM}.n1`, '{"batch":1,"no_wait":true}', foreign);
    control.nc.publish(rpcSubject('s1', 'n1', 'hello'), 'x', foreign);
    control.nc.publish(reportSubject('s1', 'n1'), 'mine', foreign);
    await publishReport(control, { id: randomUUID(), frame: frame('the last one') });
    const info = await jsm.streams.info(REPORT_STREAM, { subjects_filter: '>' });
    expect(info.state.messages).toBe(before + 2);
    expect(Object.keys(info.state.subjects ?? {})).toEqual([reportSubject('s1', 'n1')]);
  });

  it("cannot overwrite another's desired state by the reply's subject of a call that echoes", async () => {
    const served = await serveCalls(network.rpc, async (call) => call);
    const foreign = { reply: desiredSubject('s1', 'n2') };
    control.nc.publish(rpcSubject('s1', 'n1', 'hello'), 'forged', foreign);
    control.nc.publish(`$JS.API.DIRECT.GET.${DESIRED_STREAM}.${desiredSubject('s1', 'n1')}`, '', foreign);
    // An answer to this one says that the first one was answered too.
    expect(text((await request(control, 'hello', frame('echo'))).frame)).toBe('echo');
    await network.rpc.nc.flush();
    expect(text((await readDesired(network.engine, n2))?.frame)).toBe('for n2');
    await served.stop();
  });

  it('cannot roll up the report stream', async () => {
    const rollup = headers();
    rollup.set('Nats-Rollup', 'all');
    const answer = await control.nc.request(reportSubject('s1', 'n1'), 'x', { headers: rollup, timeout: 2_000 });
    expect(answer.json<{ error: { err_code: number } }>().error.err_code).toBe(10_111);
  });

  it('is told when the id of its report was used before', async () => {
    const id = randomUUID();
    expect(await publishReport(control, { id, frame: frame('one') })).toMatchObject({ duplicate: false });
    expect(await publishReport(control, { id, frame: frame('one') })).toMatchObject({ duplicate: true });
  });

  it('cannot answer calls as the control plane, whose answers go to inboxes only', async () => {
    const said: string[] = [];
    const stop = network.rpc.onEvent((event) => {
      if (event.type === 'error') said.push(event.error.message);
    });
    network.rpc.nc.publish(desiredSubject('s1', 'n2'), 'x');
    network.rpc.nc.publish(reportSubject('s1', 'n2'), 'x');
    await until(() => said.length === 2, { within: 5_000, what: 'two refusals' });
    stop();
  });
});
