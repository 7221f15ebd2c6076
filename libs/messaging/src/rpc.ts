import { rpcSubject, type RpcOperation } from '@openward/contracts';
import { RequestError, errors, headers, type Msg } from '@nats-io/nats-core';
import type { NodeLink } from './connect-node.ts';
import { traceHeaders, traceOf } from './trace.ts';

export interface Answer {
  /** Sealed; it repeats the request's nonce. */
  readonly frame: Uint8Array;
  readonly traceparent?: string;
}

/**
 * `unanswered`: nobody serves calls now. `timedOut`, `disconnected`: it may have been done. `failed`: the other side could not answer.
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
    message = await link.request(rpcSubject(link.site, link.node, operation), frame, {
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

/** Replicas share the calls. */
export const CALL_QUEUE = 'control-plane';
