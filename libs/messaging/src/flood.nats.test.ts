import { randomUUID } from 'node:crypto';
import { REPORT_STREAM, reportSubject } from '@openward/contracts';
import { natsServers, startNatsNetwork, until, type NatsNetwork, type TestNode } from '@openward/testkit';
import { DiscardPolicy, RetentionPolicy } from '@nats-io/jetstream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeLink } from './connect-node.ts';
import type { Running } from './durable.ts';
import { consumeReports, type ReceivedReport } from './nest/serving.fixture.ts';
import { REPORTS_WAITING, ensureAll } from './provision.ts';
import { INGEST_DURABLE, publishReport } from './reports.ts';
import { REPORT_SUBJECTS } from './rights.ts';

const frame = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe.each(natsServers())('a flood of reports from one node, on server $version', ({ path, version }) => {
  let network: NatsNetwork;
  let n1: TestNode;
  let n2: TestNode;
  let flooding: NodeLink;
  let other: NodeLink;
  let running: Running[];
  const waiting = async (): Promise<Record<string, number>> => {
    const info = await network.engine.jsm.streams.info(REPORT_STREAM, { subjects_filter: '>' });
    return info.state.subjects ?? {};
  };
  const flood = async (frames: number): Promise<void> => {
    const junk = new Uint8Array(300).fill(65);
    for (let at = 0; at < frames; at++) {
      flooding.nc.publish(reportSubject('s1', 'n1'), junk);
      if (at % 1_000 === 0) await flooding.nc.flush();
    }
    // It is answered, be it with a refusal, when all before it were.
    await publishReport(flooding, { id: randomUUID(), frame: junk }).catch(() => {});
  };

  beforeEach(async () => {
    running = [];
    network = await startNatsNetwork({ bin: path, version });
    n1 = await network.enrol({ site: 's1', node: 'n1' });
    n2 = await network.enrol({ site: 's2', node: 'n2' });
    flooding = await n1.connect('control');
    other = await n2.connect('control');
  });
  afterEach(async () => {
    await Promise.all(running.map((one) => one.stop()));
    await network.close();
  });

  it('is refused beyond what one node may have waiting, and drops nobody else’s', async () => {
    await publishReport(other, { id: randomUUID(), frame: frame('before') });
    await flood(20_000);
    await publishReport(other, { id: randomUUID(), frame: frame('after') });
    expect(await waiting()).toEqual({
      [reportSubject('s1', 'n1')]: REPORTS_WAITING,
      [reportSubject('s2', 'n2')]: 2,
    });
  });

  it('delays the report of another by no more than that', async () => {
    const seen: string[] = [];
    const accept = async ({ node, frame: bytes }: ReceivedReport): Promise<'committed' | 'refused'> => {
      seen.push(`${node} ${text(bytes)}`);
      return node === 'n2' ? 'committed' : 'refused';
    };
    running.push(await consumeReports(network.engine, accept));
    await until(() => network.engine.jsm.consumers.info(REPORT_STREAM, INGEST_DURABLE).catch(() => null), {
      within: 5_000,
      what: 'the durable',
    });
    const flooded = flood(20_000);
    await publishReport(other, { id: randomUUID(), frame: frame('a report') });
    const before = seen.length;
    await until(() => seen.includes('n2 a report'), { within: 2_000, what: 'the report of the other' });
    // Of those that the server had let in before it: what waited, and what was being read.
    expect(seen.indexOf('n2 a report') - before).toBeLessThanOrEqual(REPORTS_WAITING + 16);
    await flooded;
  });

  it('is looked at no further once it was refused in a row, and stays outside', async () => {
    let looked = 0;
    let putBack = 0;
    const accept = async ({ node }: ReceivedReport): Promise<'committed' | 'refused'> => {
      if (node === 'n2') return 'committed';
      looked += 1;
      return 'refused';
    };
    const onPutBack = (): void => void (putBack += 1);
    // A clock that stands still: no second passes, and nothing is looked at again.
    running.push(await consumeReports(network.engine, accept, { onPutBack, clock: { monotonic: () => 0 } }));
    await flood(20_000);
    await until(() => putBack >= REPORTS_WAITING, { within: 10_000, what: 'as much put back as may wait' });
    expect(looked).toBeLessThanOrEqual(8 + 16);
    expect((await waiting())[reportSubject('s1', 'n1')]).toBe(REPORTS_WAITING);
    await expect(publishReport(flooding, { id: randomUUID(), frame: frame('more') })).rejects.toThrow(/per subject/);
    await publishReport(other, { id: randomUUID(), frame: frame('a report') });
    await until(async () => !((await waiting())[reportSubject('s2', 'n2')] ?? 0), { within: 2_000, what: 'the other' });
  });

  it('leaves a node that was away for long its way: what is refused is taken when it is sent again (D4)', async () => {
    const queued = Array.from({ length: 3 * REPORTS_WAITING }, (_, at) => ({
      id: randomUUID(),
      frame: frame(`${at}`),
    }));
    const send = (report: (typeof queued)[number]): Promise<boolean> =>
      publishReport(other, report).then(
        ({ duplicate }) => !duplicate,
        () => false,
      );
    const first = await Promise.all(queued.map(send));
    expect(first.filter((isStored) => isStored)).toHaveLength(REPORTS_WAITING);
    const refused = queued.filter((_, at) => first[at] === false);
    const seen = new Set<string>();
    const accept = async (report: ReceivedReport): Promise<'committed'> => {
      seen.add(text(report.frame));
      return 'committed';
    };
    running.push(await consumeReports(network.engine, accept));
    for (const report of refused)
      await until(() => send(report), { within: 10_000, what: `report ${text(report.frame)} to be let in` });
    await until(() => seen.size === queued.length, { within: 10_000, what: 'all reports' });
  });

  it('finds the bound on a stream that was made before there was one', async () => {
    const { jsm } = network.engine;
    await jsm.streams.delete(REPORT_STREAM);
    await jsm.streams.add({
      name: REPORT_STREAM,
      subjects: [REPORT_SUBJECTS],
      max_bytes: 1024 ** 3,
      discard: DiscardPolicy.Old,
      deny_delete: true,
      deny_purge: true,
    });
    await publishReport(other, { id: randomUUID(), frame: frame('of before') });
    expect(await ensureAll(network.engine, [n1, n2])).toEqual({ made: [], remade: [REPORT_STREAM] });
    expect((await jsm.streams.info(REPORT_STREAM)).config).toMatchObject({
      retention: RetentionPolicy.Workqueue,
      max_msgs_per_subject: REPORTS_WAITING,
      discard_new_per_subject: true,
    });
    expect(await ensureAll(network.engine, [n1, n2])).toEqual({ made: [], remade: [] });
    await flood(500);
    expect((await waiting())[reportSubject('s1', 'n1')]).toBe(REPORTS_WAITING);
  });
});
