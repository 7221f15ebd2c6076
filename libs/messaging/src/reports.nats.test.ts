import { randomUUID } from 'node:crypto';
import { REPORT_STREAM } from '@openward/contracts';
import { natsServers, startNatsNetwork, until, type NatsNetwork, type TestNode } from '@openward/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeLink } from './connect-node.ts';
import type { Running } from './durable.ts';
import { ensureAll } from './provision.ts';
import { consumeReports, type ReceivedReport } from './nest/serving.fixture.ts';
import { INGEST_DURABLE, publishReport } from './reports.ts';

const frame = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe.each(natsServers())('reports on server $version', ({ path, version }) => {
  let network: NatsNetwork;
  let node: TestNode;
  let link: NodeLink;
  let running: Running[];
  const consume = (accept: (report: ReceivedReport) => Promise<'committed' | 'refused'>): Promise<number> =>
    consumeReports(network.engine, accept, { ackWaitMs: 2_000 }).then((one) => running.push(one));
  const send = (value: string): Promise<unknown> => publishReport(link, { id: randomUUID(), frame: frame(value) });
  /** Also while the durable is still being made. */
  const isOutstanding = async (): Promise<boolean> => {
    const info = await network.engine.jsm.consumers.info(REPORT_STREAM, INGEST_DURABLE).catch(() => null);
    return info === null || info.num_pending + info.num_ack_pending > 0;
  };

  beforeEach(async () => {
    running = [];
    network = await startNatsNetwork({ bin: path, version });
    node = await network.enrol({ site: 's1', node: 'n1' });
    link = await node.connect('control');
  });
  afterEach(async () => {
    await Promise.all(running.map((one) => one.stop()));
    await network.close();
  });

  it('reach the control plane with the identity that the server enforces', async () => {
    const seen: ReceivedReport[] = [];
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    await publishReport(link, { id: randomUUID(), frame: frame('state'), traceparent });
    await consume(async (report) => {
      seen.push(report);
      return 'committed';
    });
    await until(() => seen.length === 1, { within: 10_000, what: 'the report' });
    expect(seen[0]).toMatchObject({
      site: 's1',
      node: 'n1',
      subject: 'ow.v1.rpt.s1.n1',
      traceparent,
      deliveries: 1,
    });
    await until(async () => !(await isOutstanding()), { within: 5_000, what: 'the acknowledgement' });
  });

  it('come again after their commit failed, and not after it held (D4)', async () => {
    const deliveries: number[] = [];
    await consume(async (report) => {
      deliveries.push(report.deliveries);
      if (report.deliveries < 3) throw new Error('the database is away');
      return 'committed';
    });
    await send('state');
    await until(() => deliveries.length === 3, { within: 10_000, what: 'three deliveries' });
    await until(async () => !(await isOutstanding()), { within: 5_000, what: 'the acknowledgement' });
    expect(deliveries).toEqual([1, 2, 3]);
  });

  it('that are refused do not come again', async () => {
    let seen = 0;
    await consume(async () => {
      seen++;
      return 'refused';
    });
    await send('forged');
    await until(async () => !(await isOutstanding()) && seen > 0, { within: 5_000, what: 'the refusal' });
    expect(seen).toBe(1);
  });

  it('are shared by replicas, each handled once', async () => {
    const seen: string[][] = [[], []];
    for (const replica of seen)
      await consume(async (report) => {
        replica.push(text(report.frame));
        return 'committed';
      });
    const sent = Array.from({ length: 60 }, (_, at) => String(at));
    await Promise.all(sent.map(send));
    await until(() => seen.flat().length >= sent.length, { within: 10_000, what: 'all reports' });
    expect(seen.flat().toSorted()).toEqual(sent.toSorted());
  });

  it('go to another replica when the one that had them died', async () => {
    // One that never ends stands for one that was killed.
    let hung = 0;
    const hang = (): Promise<never> => {
      hung++;
      return new Promise(() => {});
    };
    const lost = await consumeReports(network.engine, hang, { ackWaitMs: 1_000, concurrency: 1 });
    await send('state');
    await until(() => hung === 1, { within: 5_000, what: 'the first delivery' });
    void lost.stop();
    const seen: number[] = [];
    await consume(async (report) => {
      seen.push(report.deliveries);
      return 'committed';
    });
    await until(() => seen.length === 1, { within: 10_000, what: 'the second delivery' });
    expect(seen[0]).toBeGreaterThan(1);
  });

  it('that were acknowledged survive a kill of the server, and consuming goes on', async () => {
    const seen = new Set<string>();
    await consume(async (report) => {
      seen.add(text(report.frame));
      return 'committed';
    });
    await send('before');
    await network.server().kill9();
    await network.start();
    const sent = (): Promise<boolean> =>
      send('after').then(
        () => true,
        () => false,
      );
    await until(sent, { within: 20_000, what: 'a report after the restart' });
    await until(() => seen.has('before') && seen.has('after'), { within: 20_000, what: 'both reports' });
  });

  it('are consumed again after stream and durable were lost (D5)', async () => {
    const seen: string[] = [];
    await consume(async (report) => {
      seen.push(text(report.frame));
      return 'committed';
    });
    await send('1');
    await until(() => seen.length === 1, { within: 10_000, what: 'the first' });
    await network.engine.jsm.streams.delete(REPORT_STREAM);
    expect((await ensureAll(network.engine, [node])).made).toEqual([REPORT_STREAM]);
    await send('2');
    await until(() => seen.includes('2'), { within: 20_000, what: 'the second' });
  });
});
