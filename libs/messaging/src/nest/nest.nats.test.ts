import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { REPORT_STREAM, REPORT_WILDCARD } from '@openward/contracts';
import { natsServers, startNatsNetwork, until, type NatsNetwork, type TestNode } from '@openward/testkit';
import { Controller, Module, type INestApplication, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, MessagePattern, Payload, type MicroserviceOptions } from '@nestjs/microservices';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeLink } from '../connect-node.ts';
import { INGEST_DURABLE, publishReport } from '../reports.ts';
import { CallError, request } from '../rpc.ts';
import type { FrameContext } from './frame-context.ts';
import { JETSTREAM, JetStreamServer } from './jetstream-server.ts';
import { NATS_RPC, NatsRpcServer, rpcPattern } from './rpc-server.ts';

const frame = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

let events: { subject: string; body: string; deliveries: number; traceparent: string | null }[];
let failures: number;
let answeredBy: string[];
/** What a slow answer waits for. */
let gate: Promise<void> = Promise.resolve();

@Controller()
class Handlers {
  @EventPattern(REPORT_WILDCARD, JETSTREAM)
  async report(@Payload() body: Uint8Array, @Ctx() context: unknown): Promise<string> {
    const { subject, deliveries, traceparent } = context as FrameContext;
    events.push({ subject, deliveries, body: text(body), traceparent });
    if (text(body) === 'forged') return 'refused';
    if (failures-- > 0) throw new Error('the database is away');
    return 'committed';
  }

  @MessagePattern(rpcPattern('hello'), NATS_RPC)
  async hello(@Payload() body: Uint8Array, @Ctx() context: unknown): Promise<unknown> {
    const { subject, traceparent } = context as FrameContext;
    answeredBy.push(subject);
    return { frame: frame(`hello ${text(body)}`), traceparent: traceparent ?? undefined };
  }

  @MessagePattern(rpcPattern('acked'), NATS_RPC)
  async acked(@Payload() body: Uint8Array, @Ctx() context: unknown): Promise<Uint8Array> {
    answeredBy.push((context as FrameContext).subject);
    await gate;
    return frame(`acked ${text(body)}`);
  }

  @MessagePattern(rpcPattern('permit'), NATS_RPC)
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
        clock: { monotonic: () => performance.now() },
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

  it('are not starved by one node that calls 20,000 times: it is refused what is beyond its share, and others are answered', async () => {
    const other = await network.enrol({ site: 's2', node: 'n2' }).then((it) => it.connect('control'));
    // As fast as the line carries them, which no agent does: each would write its ledger first.
    let busy = 0;
    const inbox = `_INBOX.s1.n1.c.flood`;
    link.nc.subscribe(inbox, {
      callback: (_, { headers }) => void (headers?.get('Nats-Service-Error-Code') === '429' && busy++),
    });
    for (let at = 0; at < 20_000; at++) link.nc.publish('ow.v1.rpc.s1.n1.hello', frame('flood'), { reply: inbox });
    expect(text((await request(other, 'hello', frame('n2'), { timeoutMs: 5_000 })).frame)).toBe('hello n2');
    await until(() => busy > 10_000, { within: 10_000, what: 'refusals of the flood' });
    expect(answeredBy.filter((subject) => subject === 'ow.v1.rpc.s1.n1.hello').length).toBeLessThan(10_000);
    // Its own next question is answered again, once the flood is over.
    await until(async () => (await request(link, 'hello', frame('n1')).catch(() => null)) !== null, {
      within: 10_000,
      what: 'an answer to the node that flooded',
    });
  });

  it('tell a node that has as much under way as it may that it is busy', async () => {
    const other = await network.enrol({ site: 's2', node: 'n2' }).then((it) => it.connect('control'));
    const opening = Promise.withResolvers<void>();
    gate = opening.promise;
    const calls = Array.from({ length: 60 }, () =>
      request(link, 'acked', frame('n1')).then(
        ({ frame: answer }) => text(answer),
        (error: CallError) => error.failure,
      ),
    );
    const others = request(other, 'acked', frame('n2'));
    await until(() => answeredBy.includes('ow.v1.rpc.s2.n2.acked'), {
      within: 5_000,
      what: 'the turn of another node',
    });
    opening.resolve();
    const answers = await Promise.all(calls);
    // Four run and sixteen wait; it was the calls that found both full that were refused.
    expect(answers.filter((it) => it === 'acked n1')).toHaveLength(20);
    expect(answers.filter((it) => it === 'busy')).toHaveLength(40);
    expect(text((await others).frame)).toBe('acked n2');
  });

  it('of two replicas answer each call once', async () => {
    await replica();
    const answers: string[] = [];
    // No more at once than one node may ask.
    for (let round = 0; round < 4; round++) {
      const calls = Array.from({ length: 10 }, (_, at) => request(link, 'hello', frame(`${round} ${at}`)));
      for (const { frame: answer } of await Promise.all(calls)) answers.push(text(answer));
    }
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
