import { setTimeout as pause } from 'node:timers/promises';
import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type ConsumerInfo,
  type ConsumerMessages,
  type JsMsg,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import type { EngineLink } from './connect-control-plane.ts';

export interface DurableOptions {
  readonly stream: string;
  /** Replicas that name the same durable share its messages. */
  readonly durable: string;
  /** Messages that are worked on at once. */
  readonly concurrency: number;
  /** After this long without an answer a message goes to another replica. */
  readonly ackWaitMs: number;
  /** Answers the message itself: acknowledges, refuses, or asks for it again. Must not throw. */
  readonly onMessage: (message: JsMsg) => Promise<void>;
  /** The durable could not be had; it is tried again. */
  readonly onError: (error: unknown) => void;
}

export interface Running {
  /** Takes no more, and resolves when what was begun is done. */
  stop(): Promise<void>;
}

const RETRY_MS = 1_000;
/** Messages that were put back count too: as many as a thousand nodes may have waiting, so that some cannot stop the rest. */
const MAX_ACK_PENDING = 65_536;

/** How long a message waits before it comes again: twice as long each time, to a minute. */
export const redeliveryDelay = (deliveries: number): number => Math.min(60_000, 250 * 2 ** deliveries);

/** Consumes until it is stopped, and makes the durable again when it was lost. */
export function consumeDurable(engine: EngineLink, options: DurableOptions): Running {
  const stopping = new AbortController();
  const running = consumeUntil(engine, options, stopping.signal);
  return {
    stop: () => {
      stopping.abort(new Error('stopped'));
      return running;
    },
  };
}

async function consumeUntil(engine: EngineLink, options: DurableOptions, signal: AbortSignal): Promise<void> {
  const begun = new Set<Promise<void>>();
  while (!signal.aborted && !engine.nc.isClosed()) {
    try {
      await engine.whenConnected(signal);
      await work(await open(engine, options), options, begun, signal);
    } catch (error) {
      if (signal.aborted) break;
      options.onError(error);
      await pause(RETRY_MS, undefined, { signal }).catch(() => {});
    }
  }
  await Promise.all(begun);
}

/** Several replicas do this at once; from 2.10 on, adding one that is there in another form is refused. */
async function ensureDurable({ jsm }: EngineLink, options: DurableOptions): Promise<ConsumerInfo> {
  const ackWait = nanos(options.ackWaitMs);
  const config = {
    durable_name: options.durable,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: ackWait,
    max_ack_pending: MAX_ACK_PENDING,
  };
  const info = await jsm.consumers.info(options.stream, options.durable).catch((error: unknown) => {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound) return null;
    throw error;
  });
  if (info === null) return jsm.consumers.add(options.stream, config);
  if (info.config.ack_wait === ackWait && info.config.max_ack_pending === MAX_ACK_PENDING) return info;
  return jsm.consumers.update(options.stream, options.durable, {
    ack_wait: ackWait,
    max_ack_pending: MAX_ACK_PENDING,
  });
}

async function open(engine: EngineLink, options: DurableOptions): Promise<ConsumerMessages> {
  const info = await ensureDurable(engine, options);
  return engine.js.consumers.getConsumerFromInfo(info).consume({
    max_messages: options.concurrency,
    expires: 30_000,
    abort_on_missing_resource: true,
  });
}

async function work(
  messages: ConsumerMessages,
  options: DurableOptions,
  begun: Set<Promise<void>>,
  signal: AbortSignal,
): Promise<void> {
  const stop = (): void => messages.stop();
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    for await (const message of messages) {
      const done: Promise<void> = options.onMessage(message).finally(() => begun.delete(done));
      begun.add(done);
      if (begun.size >= options.concurrency) await Promise.race(begun);
    }
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}
