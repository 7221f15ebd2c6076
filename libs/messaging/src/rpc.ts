import { RPC_WILDCARD, rpcSubject, type NodeName, type RpcOperation } from '@openward/contracts';
import { RequestError, errors, headers, type Msg } from '@nats-io/nats-core';
import type { ControlPlaneLink } from './connect-control-plane.ts';
import type { NodeLink } from './connect-node.ts';
import type { Running } from './durable.ts';
import { FairTurns } from './fair-turns.ts';
import { parseRpcSubject } from './subjects.ts';
import { traceHeaders, traceOf } from './trace.ts';

export interface Answer {
  /** Sealed; it repeats the request's nonce. */
  readonly frame: Uint8Array;
  readonly traceparent?: string;
}

/**
 * `unanswered`: nobody serves calls now. `timedOut`: it may have been done. `failed`: the other side could not answer.
 * `busy`: this node asks more than its share, and nothing was done.
 */
export type CallFailure = 'unanswered' | 'timedOut' | 'failed' | 'busy' | 'disconnected';

/** No answer came. The cause says more; every call can be made again. */
export class CallError extends Error {
  override readonly name = 'CallError';
  readonly failure: CallFailure;
  constructor(failure: CallFailure, operation: RpcOperation, cause?: unknown) {
    super(`the call ${operation} got no answer: ${failure}`, { cause });
    this.failure = failure;
  }
}

/** Nobody can check who set it, so it says "no answer" and nothing more. */
const FAILED_HEADER = 'Nats-Service-Error-Code';
const FAILED = '500';
const BUSY = '429';

function failureOf(error: unknown): CallFailure {
  if (error instanceof RequestError && error.isNoResponders()) return 'unanswered';
  if (error instanceof errors.TimeoutError) return 'timedOut';
  return 'disconnected';
}

/** Waits for the connection first, within `timeoutMs` in all. Throws `CallError`. */
export async function request(
  link: NodeLink,
  operation: RpcOperation,
  frame: Uint8Array,
  options: { readonly timeoutMs?: number; readonly traceparent?: string } = {},
): Promise<Answer> {
  const { timeoutMs = 10_000, traceparent } = options;
  const sent = traceHeaders(traceparent);
  let message: Msg;
  try {
    await link.whenConnected(AbortSignal.timeout(timeoutMs));
    message = await link.nc.request(rpcSubject(link.site, link.node, operation), frame, {
      timeout: timeoutMs,
      ...(sent ? { headers: sent } : {}),
    });
  } catch (error) {
    throw new CallError(failureOf(error), operation, error);
  }
  const failed = message.headers?.get(FAILED_HEADER) ?? '';
  if (failed !== '') throw new CallError(failed === BUSY ? 'busy' : 'failed', operation);
  return { frame: message.data, ...traceOf(message) };
}

export interface Call extends NodeName {
  readonly operation: RpcOperation;
  /** What the frame was sealed for. */
  readonly subject: string;
  readonly frame: Uint8Array;
  readonly traceparent?: string;
}

/** Site, node and operation of a call are tokens of its subject, on which the server lets that node alone publish. */
export function callOf(message: Msg): Call | null {
  const parsed = parseRpcSubject(message.subject);
  return parsed && { ...parsed, subject: message.subject, frame: message.data, ...traceOf(message) };
}

export function respond(message: Msg, answer: Answer): void {
  const sent = traceHeaders(answer.traceparent);
  message.respond(answer.frame, sent ? { headers: sent } : {});
}

/** Tells the caller at once instead of letting it wait. */
export const respondFailed = (message: Msg): void => respondCode(message, FAILED);

/** Nothing was looked at, since the caller has as much under way as it may: it asks again later, as after any failure. */
export const respondBusy = (message: Msg): void => respondCode(message, BUSY);

function respondCode(message: Msg, code: string): void {
  const sent = headers();
  sent.set(FAILED_HEADER, code);
  message.respond('', { headers: sent });
}

export const CALL_QUEUE = 'control-plane';

/** Answers calls; replicas share them, and each is fair between nodes. Resolves when the server knows of it. For processes without Nest; see `@openward/messaging/nest` for those with it. */
export async function serveCalls(
  rpc: ControlPlaneLink<'rpc'>,
  answer: (call: Call) => Promise<Answer>,
  options: { readonly queue?: string; readonly onError?: (error: unknown) => void } = {},
): Promise<Running> {
  const turns = new FairTurns();
  const serve = async (message: Msg, call: Call): Promise<void> => {
    try {
      respond(message, await answer(call));
    } catch (error) {
      options.onError?.(error);
      respondFailed(message);
    }
  };
  const subscription = rpc.nc.subscribe(RPC_WILDCARD, {
    queue: options.queue ?? CALL_QUEUE,
    callback: (error, message) => {
      if (error) return options.onError?.(error);
      const call = callOf(message);
      if (call === null) return respondFailed(message);
      if (!turns.take(call.node, () => serve(message, call))) respondBusy(message);
    },
  });
  // Until then a server of 2.9 lets callers wait for nothing.
  await rpc.nc.flush();
  return {
    stop: async () => {
      subscription.unsubscribe();
      await turns.close();
    },
  };
}
