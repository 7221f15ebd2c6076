import { PREFIX, type Name, type RpcOperation } from '@openward/contracts';
import type { Msg, Subscription } from '@nats-io/nats-core';
import type { MessageHandler } from '@nestjs/microservices';
import type { ControlPlaneLink } from '../connect-control-plane.ts';
import { FairTurns, type FairLimits } from '../fair-turns.ts';
import { CALL_QUEUE, respond, respondBusy, respondFailed, type Answer } from '../rpc.ts';
import { parseRpcSubject } from '../subjects.ts';
import { traceOf } from '../trace.ts';
import { FrameContext } from './frame-context.ts';
import { FrameServer } from './frame-server.ts';

export const NATS_RPC = Symbol('nats-rpc');

/** The calls of one operation, from every node. */
export const rpcPattern = (operation: RpcOperation): string => `${PREFIX}.rpc.*.*.${operation}`;

export interface NatsRpcServerOptions {
  readonly rpc: ControlPlaneLink<'rpc'>;
  readonly queue?: string;
  /** How much of this replica one node may take. */
  readonly limits?: FairLimits;
  /** Told of each call that was refused for that. */
  readonly onBusy?: (node: Name) => void;
  readonly onError?: (error: unknown) => void;
}

/**
 * Calls of nodes for Nest: `@MessagePattern(rpcPattern('permit'), NATS_RPC)`. A handler returns the sealed answer, as bytes
 * or as an `Answer`. When it throws, the caller is told at once that there is none, and no more. Nodes take turns: one that asks
 * more than its share is told that it is too much, before anything is looked up for it. Nest's own NATS transport
 * wants its JSON around each message; nodes send sealed frames and nothing else.
 */
export class NatsRpcServer extends FrameServer {
  override readonly transportId = NATS_RPC;
  readonly #options: NatsRpcServerOptions;
  readonly #turns: FairTurns;
  #subscriptions: readonly Subscription[] = [];

  constructor(options: NatsRpcServerOptions) {
    super();
    this.#options = options;
    this.#turns = new FairTurns(options.limits);
  }

  protected get link(): ControlPlaneLink<'rpc'> {
    return this.#options.rpc;
  }

  override listen(callback: (error?: unknown) => void): void {
    const { rpc, queue = CALL_QUEUE } = this.#options;
    const calls = [...this.messageHandlers].filter(([, handler]) => !handler.isEventHandler);
    this.#subscriptions = calls.map(([pattern, handler]) =>
      rpc.nc.subscribe(pattern, {
        queue,
        callback: (error, message) => {
          if (error) return this.#options.onError?.(error);
          const call = parseRpcSubject(message.subject);
          if (call === null) return respondFailed(message);
          if (this.#turns.take(call.node, () => this.#answer(handler, message))) return;
          respondBusy(message);
          this.#options.onBusy?.(call.node);
        },
      }),
    );
    // Ready when the server knows of it: until then 2.9 lets a caller wait for nothing.
    const ready = (): void => callback();
    void rpc.nc.flush().then(ready, ready);
  }

  /** Takes no more, and waits for the answers that are being made. */
  override async close(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    await this.#turns.close();
    if (!this.link.nc.isClosed()) await this.link.nc.flush();
  }

  async #answer(handler: MessageHandler, message: Msg): Promise<void> {
    try {
      const context = new FrameContext([message.subject, 1, traceOf(message).traceparent ?? null]);
      const result = await this.run(handler, message.data, context);
      respond(message, result instanceof Uint8Array ? { frame: result } : (result as Answer));
    } catch (error) {
      this.#options.onError?.(error);
      respondFailed(message);
    }
  }
}
