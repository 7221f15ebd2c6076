import { randomUUID } from 'node:crypto';
import { digestOfBytes, type TemplateName } from '@openward/contracts';
import { fetchChunk, natsServers, startNatsNetwork, until, type NatsNetwork, type TestNode } from '@openward/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { putDesired, readDesired } from './desired.ts';
import type { SentFrame } from './observe.ts';
import { publishReport } from './reports.ts';
import { serveCalls } from './nest/serving.fixture.ts';
import { request } from './rpc.ts';
import { watchDesired } from './watch-desired.ts';

const frame = (text: string): Uint8Array => new TextEncoder().encode(text);

describe.each(natsServers())('what a node sends to server $version', ({ path, version }) => {
  let network: NatsNetwork;
  let node: TestNode;
  let sent: SentFrame[];
  const onSent = (one: SentFrame): void => void sent.push(one);
  const templates = (): TemplateName[] => sent.flatMap((one) => ('template' in one ? [one.template] : []));
  const unknown = (): SentFrame[] => sent.filter((one) => 'unknown' in one);

  beforeEach(async () => {
    sent = [];
    network = await startNatsNetwork({ bin: path, version });
    node = await network.enrol({ site: 's1', node: 'n1' });
  });
  afterEach(() => network.close());

  it('follows a template or is a sealed frame of the agent, and nothing else (P1)', async () => {
    const served = await serveCalls(network.rpc, async (call) => call);
    const link = await node.connect('control', { onSent });
    const bulk = await node.connect('bulk', { onSent });
    const ending = new AbortController();
    const watched = watchDesired(link, { signal: ending.signal });
    await putDesired(network.engine, node, frame('1'), 0);
    await watched.next();
    await link.renew();
    const revision = (await readDesired(network.engine, node))?.revision ?? 0;
    const next = watched.next();
    await putDesired(network.engine, node, frame('2'), revision);
    await next;
    const id = randomUUID();
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    await publishReport(link, { id, frame: frame('a report'), traceparent });
    await request(link, 'hello', frame('a call'));
    await request(link, 'permit', frame('another'), { traceparent });
    await fetchChunk(bulk, 'family-a', digestOfBytes('x'));
    await until(() => templates().includes('ackDesired'), { within: 15_000, what: 'the acknowledgement' });
    ending.abort();
    await watched.return();

    expect(unknown()).toEqual([]);
    // PONG is there when the server happened to ask.
    expect(new Set(templates().filter((name) => name !== 'pong'))).toEqual(
      new Set([
        'connect',
        'ping',
        'subscribe',
        'unsubscribe',
        'readDesired',
        'pullDesired',
        'ackDesired',
        'fetchChunk',
      ]),
    );
    expect(templates().filter((name) => name === 'connect')).toHaveLength(3);
    const composed = sent.flatMap((one) => ('composed' in one ? [one.composed] : []));
    expect(composed.map(({ payload, ...rest }) => ({ ...rest, payload: Buffer.from(payload).toString() }))).toEqual([
      { kind: 'report', id, traceparent, payload: 'a report' },
      { kind: 'rpc', operation: 'hello', payload: 'a call' },
      { kind: 'rpc', operation: 'permit', traceparent, payload: 'another' },
    ]);
    await served.stop();
  });

  it('is told as unknown when it is none of these', async () => {
    const link = await node.connect('control', { onSent });
    link.nc.publish('ow.v1.rpt.s1.n1', 'no reply, no id');
    await link.nc.flush();
    expect(unknown()).toEqual([
      { unknown: { op: 'PUB', subject: 'ow.v1.rpt.s1.n1', payload: Buffer.from('no reply, no id') } },
    ]);
  });

  it('costs at most 6 messages a minute when nothing happens (idle budget)', async () => {
    // Measured over one whole pull, shortened; the client's heartbeat is a quarter of it, as 30 s are of the 120 s in use.
    const pullMs = 4_000;
    const link = await node.connect('control', { onSent });
    const ending = new AbortController();
    const watched = watchDesired(link, { signal: ending.signal, pullMs });
    await putDesired(network.engine, node, frame('1'), 0);
    await watched.next();
    const next = watched.next();
    const pulls = (): number => templates().filter((name) => name === 'pullDesired').length;
    const first = pulls();
    await until(() => pulls() > first, { within: 20_000, what: 'the next pull' });
    const before = { pulls: pulls(), ...link.nc.stats() };
    await until(() => pulls() === before.pulls + 2, { within: 20_000, what: 'two more pulls' });
    const after = link.nc.stats();
    const messages = after.inMsgs - before.inMsgs + after.outMsgs - before.outMsgs;
    // Two pulls of 120 s are 4 minutes; a re-read every 10 minutes adds 0.2 a minute.
    expect(messages / 4 + 0.2).toBeLessThanOrEqual(6);
    ending.abort();
    await next;
  });
});
