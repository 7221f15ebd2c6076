import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { REPORT_STREAM, REPORT_WILDCARD } from '@openward/contracts';
import { natsServers, startNatsNetwork, until, type NatsNetwork, type TestNode } from '@openward/testkit';
import { Controller, Module, type INestApplication, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload, type MicroserviceOptions } from '@nestjs/microservices';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeLink } from '../connect-node.ts';
import { INGEST_DURABLE, publishReport } from '../reports.ts';
import { CallError, request } from '../rpc.ts';
import { FrameContext } from './frame-context.ts';
import { DurableEvent, JetStreamServer } from './jetstream-server.ts';
import { NatsRpcServer, NodeCall } from './rpc-server.ts';

const frame = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

let events: { subject: string; body: string; deliveries: number; traceparent: string | null }[];
let failures: number;
let answeredBy: string[];

@Controller()
class Handlers {
  @DurableEvent(REPORT_WILDCARD)
  async report(@Payload() body: Uint8Array, @Ctx() context: FrameContext): Promise<string> {
    const { subject, deliveries } = context;
    events.push({ subject, deliveries, body: text(body), traceparent: context.traceparent });
    if (text(body) === 'forged') return 'refused';
    if (failures-- > 0) throw new Error('the database is away');
    return 'committed';
  }

  @NodeCall('hello')
  async hello(@Payload() body: Uint8Array, @Ctx() context: FrameContext): Promise<unknown> {
    answeredBy.push(context.subject);
    return { frame: frame(`hello ${text(body)}`), traceparent: context.traceparent ?? undefined };
  }

  @NodeCall('permit')
  permit(): Promise<never> {
    return Promise.reject(new Error('broken'));
  }
}

@Module({ controllers: [Handlers] })
class TestModule {}

describe.each(natsServers())('Nest handlers on server $version', ({ path, version }) => {
  let network: NatsNetwork;
  let node: TestNode;
  let link: NodeLink;
  let errors: unknown[];
  let apps: (INestApplication | INestMicroservice)[];

  const replica = async (): Promise<void> => {
    const onError = (error: unknown): void => void errors.push(error);
    const app = await NestFactory.create(TestModule, { logger: false });
    app.connectMicroservice<MicroserviceOptions>({
      strategy: new JetStreamServer({
        engine: network.engine,
        stream: REPORT_STREAM,
        durable: INGEST_DURABLE,
        ackWaitMs: 2_000,
        onError,
      }),
    });
    app.connectMicroservice<MicroserviceOptions>({ strategy: new NatsRpcServer({ rpc: network.rpc, onError }) });
    await app.startAllMicroservices();
    await app.init();
    apps.push(app);
  };
  const send = (body: string): Promise<unknown> =>
    publishReport(link, { id: randomUUID(), frame: frame(body), traceparent });
  const settled = (): Promise<boolean> =>
    until(
      async () => {
        if (events.length === 0) return false;
        const info = await network.engine.jsm.consumers.info(REPORT_STREAM, INGEST_DURABLE).catch(() => null);
        return info !== null && info.num_pending + info.num_ack_pending === 0;
      },
      { within: 10_000, what: 'every report is answered' },
    );

  beforeEach(async () => {
    [events, failures, answeredBy, errors, apps] = [[], 0, [], [], []];
    network = await startNatsNetwork({ bin: path, version });
    node = await network.enrol({ site: 's1', node: 'n1' });
    link = await node.connect('control');
    await replica();
  });
  afterEach(async () => {
    for (const app of apps) await app.close();
    await network.close();
  });

  it('get an event once when they resolve, with its subject and trace', async () => {
    await send('state');
    await settled();
    expect(events).toEqual([{ subject: 'ow.v1.rpt.s1.n1', deliveries: 1, body: 'state', traceparent }]);
  });

  it('get an event again after they failed (D4)', async () => {
    failures = 2;
    await send('state');
    await settled();
    expect(events.map(({ deliveries }) => deliveries)).toEqual([1, 2, 3]);
    expect(errors).toHaveLength(2);
  });

  it('get an event that they refused no more', async () => {
    await send('forged');
    await settled();
    expect(events).toHaveLength(1);
  });

  it('answer a call with raw frames, and the trace goes both ways', async () => {
    const answer = await request(link, 'hello', frame('n1'), { traceparent });
    expect(text(answer.frame)).toBe('hello n1');
    expect(answer.traceparent).toBe(traceparent);
    expect(answeredBy).toEqual(['ow.v1.rpc.s1.n1.hello']);
  });

  it('that throw tell the caller at once', async () => {
    await expect(request(link, 'permit', frame('x'))).rejects.toMatchObject({ failure: 'failed' });
    expect(errors).toHaveLength(1);
  });

  it('that are not there leave the caller without an answer', async () => {
    const calling = request(link, 'refill', frame('x'), { timeoutMs: 1_000 });
    await expect(calling).rejects.toThrow(CallError);
  });

  it('of two replicas answer each call once', async () => {
    await replica();
    const answers = await Promise.all(
      Array.from({ length: 40 }, async (_, at) => text((await request(link, 'hello', frame(String(at)))).frame)),
    );
    expect(new Set(answers).size).toBe(40);
    expect(answeredBy).toHaveLength(40);
  });

  it('end what they began before they close', async () => {
    await send('state');
    await until(() => events.length === 1, { within: 10_000, what: 'the event' });
    for (const app of apps.splice(0)) await app.close();
    await settled();
    expect(network.engine.isConnected).toBe(true);
  });
});
