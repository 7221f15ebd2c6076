import type { MessageHandler } from '@nestjs/microservices';
import type { JsMsg } from '@nats-io/jetstream';
import type { Clock } from '@openward/contracts';
import type { EngineLink } from '../connect-control-plane.ts';
import { consumeDurable, redeliveryDelay, type Running } from '../durable.ts';
import { RefusedSenders } from '../refused-senders.ts';
import { traceOf } from '../trace.ts';
import { FrameContext } from './frame-context.ts';
import { FrameServer, covers } from './frame-server.ts';

export const JETSTREAM = Symbol('jetstream');

export interface JetStreamServerOptions {
  readonly engine: EngineLink;
  readonly stream: string;
  /** Replicas that name the same durable share its messages. */
  readonly durable: string;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Handlers at work at once; 16. */
  readonly concurrency?: number;
  /** After this long without an end a message goes to another replica; 30 s. */
  readonly ackWaitMs?: number;
  /** Told of each message that was put back unread, since those before it of the same subject were refused. */
  readonly onPutBack?: () => void;
  readonly onError?: (error: unknown) => void;
}

/**
 * Durable events for Nest: `@EventPattern(REPORT_WILDCARD, JETSTREAM)`. A message is acknowledged when its handler resolves,
 * so the commit belongs inside it. One that throws gets the message again, later each time; one that returns `refused` never
 * does. A filter that swallows an error acknowledges. A subject is one sender's: where its messages are refused in a row, few of
 * them reach the handler at all.
 */
export class JetStreamServer extends FrameServer {
  override readonly transportId = JETSTREAM;
  readonly #options: JetStreamServerOptions;
  readonly #refused = new RefusedSenders();
  #running: Running | null = null;

  constructor(options: JetStreamServerOptions) {
    super();
    this.#options = options;
  }

  protected get link(): EngineLink {
    return this.#options.engine;
  }

  override listen(callback: (error?: unknown) => void): void {
    const { engine, stream, durable, concurrency = 16, ackWaitMs = 30_000, onError } = this.#options;
    this.#running = consumeDurable(engine, {
      stream,
      durable,
      concurrency,
      ackWaitMs,
      onError: (error) => onError?.(error),
      onMessage: (message) => this.#take(message),
    });
    callback();
  }

  /** Takes no more, and waits for the handlers that are at work. */
  override async close(): Promise<void> {
    await this.#running?.stop();
    this.#running = null;
  }

  #handlerOf(subject: string): MessageHandler | null {
    for (const [pattern, handler] of this.messageHandlers)
      if (handler.isEventHandler && covers(pattern, subject)) return handler;
    return null;
  }

  async #take(message: JsMsg): Promise<void> {
    const deliveries = message.info.deliveryCount;
    const { clock, onPutBack } = this.#options;
    const putBackMs = this.#refused.putBackMs(message.subject, clock.monotonic());
    if (putBackMs > 0) {
      message.nak(putBackMs);
      return onPutBack?.();
    }
    try {
      const handler = this.#handlerOf(message.subject);
      if (handler === null) throw new Error(`no event handler for ${message.subject}`);
      const context = new FrameContext([message.subject, deliveries, traceOf(message).traceparent ?? null]);
      const outcome = await this.run(handler, message.data, context);
      if (outcome === 'refused') {
        this.#refused.refused(message.subject, clock.monotonic());
        message.term();
      } else {
        this.#refused.taken(message.subject);
        message.ack();
      }
    } catch (error) {
      this.#options.onError?.(error);
      message.nak(redeliveryDelay(deliveries));
    }
  }
}
