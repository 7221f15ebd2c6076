import type { ServerResponse } from 'node:http';
import { Refusal } from '@openward/contracts';
import { strongest, type CompiledPolicy, type Monotonic, type ReplyEnd, type ReplyFilter } from '@openward/policy';
import type { Reply } from './answer.ts';
import type { Conversation } from './conversation.ts';
import type { Dialect, Ending, ReplyFacts } from './dialect.ts';
import { sendJson, type ReplyHeaders } from './http.ts';
import { policyHeaders } from './policy-headers.ts';
import type { Ended } from './soak.ts';
import { filterOf, judgeWhole, type InputGo } from './under-policy.ts';

// How a reply leaves: whole or streamed, in one API's words, under the output rules of its policy.

export type Outcome = Exclude<Ended, 'refused'>;

export interface Sending {
  readonly dialect: Dialect;
  readonly facts: ReplyFacts;
  readonly conversation: Conversation;
  /** What every answer of the request carries. */
  readonly headers: ReplyHeaders;
  /** Aborted when the client is gone: a runtime that does not heed it holds no request. */
  readonly signal: AbortSignal;
  readonly elapsed: () => number;
  readonly compiled: CompiledPolicy;
  readonly input: InputGo | null;
  readonly now: Monotonic;
  /** How long a client may leave a piece unread, in milliseconds. */
  readonly mostUnreadMs: number;
  /** Told once, of a reply that is known to its end. */
  readonly ended: (end: ReplyEnd) => void;
  /** Told of every piece as the model says it. */
  readonly said: (piece: string) => void;
  /** `hasSpoken`: text has left already, and with it every red flag that is known. */
  readonly refusalOf: (error: unknown, hasSpoken: boolean) => Refusal;
}

const FINISH = { stop: 'stop', length: 'length', contentFilter: 'content_filter' } as const;
const STREAM_HEADERS = { 'cache-control': 'no-cache' };

/** A reply that is there whole, in the form that was asked for. */
export function sendFinished(
  { dialect, facts, conversation, headers: all }: Pick<Sending, 'dialect' | 'facts' | 'conversation' | 'headers'>,
  response: ServerResponse,
  text: string,
  ending: Ending,
  ofPolicy: ReplyHeaders,
): void {
  const headers = { ...all, ...ofPolicy };
  if (!conversation.stream) return sendJson(response, 200, dialect.whole(facts, text, ending), headers);
  response.writeHead(200, { 'content-type': dialect.streamType, ...STREAM_HEADERS, ...headers });
  const piece = text === '' ? '' : dialect.piece(facts, text);
  response.end(dialect.first(facts) + piece + dialect.last(facts, ending, conversation));
}

export async function sendWhole(sending: Sending, events: Reply, response: ServerResponse): Promise<Outcome> {
  const { compiled, input, now, signal } = sending;
  let said = '';
  for await (const event of events) {
    signal.throwIfAborted();
    if (event.type === 'text') {
      said += event.text;
      sending.said(event.text);
      continue;
    }
    const end = judgeWhole(compiled, input, said, event.finishReason, now);
    sending.ended(end);
    const ending = { ...event, finishReason: FINISH[end.finishReason], elapsedMs: sending.elapsed() };
    sendFinished(sending, response, end.text, ending, policyHeaders(withInput(end, input)));
    return 'ok';
  }
  throw cutShort();
}

const cutShort = (): Refusal => new Refusal('runtimeFailed', 'The reply ended before it was whole.');

const withInput = <T extends Pick<ReplyEnd, 'hits'>>(end: T, input: InputGo | null): T =>
  input === null ? end : { ...end, hits: [...input.hits, ...end.hits] };

/**
 * Where the policy lets a stream pass, its head goes out at once; else with the first text that may leave, so that a rule that
 * fails before is still a status, and a reply that is held back whole has all of its headers.
 */
export async function sendStream(sending: Sending, events: Reply, response: ServerResponse): Promise<Outcome> {
  const { dialect, facts, conversation, compiled, input, now, signal } = sending;
  const filter = filterOf(compiled, input, now);
  let hasBegun = false;
  let hasSpoken = false;
  const begin = (headers: () => ReplyHeaders): void => {
    if (hasBegun) return;
    hasBegun = true;
    response.writeHead(200, {
      'content-type': dialect.streamType,
      ...STREAM_HEADERS,
      ...sending.headers,
      ...headers(),
    });
    const first = dialect.first(facts);
    if (first !== '') response.write(first);
  };
  try {
    const ahead = () => headersAhead(input, filter);
    if (input === null || compiled.stream.kind === 'pass') begin(ahead);
    for await (const event of events) {
      signal.throwIfAborted();
      let out = '';
      if (event.type === 'text') {
        sending.said(event.text);
        const piece = filter.push(event.text);
        if (piece === '') continue;
        begin(ahead);
        out = dialect.piece(facts, piece);
        hasSpoken = true;
      } else {
        const end = filter.end(event.finishReason);
        sending.ended(end);
        begin(() => policyHeaders(withInput(end, input)));
        const ending = { ...event, finishReason: FINISH[end.finishReason], elapsedMs: sending.elapsed() };
        response.end(
          (end.text === '' ? '' : dialect.piece(facts, end.text)) + dialect.last(facts, ending, conversation),
        );
        return 'ok';
      }
      if (!response.write(out)) await drained(response, sending.mostUnreadMs);
    }
    throw cutShort();
  } catch (error) {
    if (response.destroyed) return 'left';
    if (!hasBegun) throw error;
    const refusal = sending.refusalOf(error, hasSpoken);
    response.end(dialect.failed(refusal));
    return refusal.code === 'policyFailed' ? 'policyFailed' : 'failed';
  }
}

/** What is known before the first byte of a stream that is not held back: what the input rules did, and all notices. */
function headersAhead(input: InputGo | null, { beside }: ReplyFilter): ReplyHeaders {
  return input === null ? {} : policyHeaders({ action: strongest(input.hits), hits: input.hits, beside: beside ?? [] });
}

/**
 * A slow reader holds its own request back, and nothing grows. One that reads nothing any more is cut off, or it would keep its slot
 * from others (G5). One that has left will say nothing more.
 */
const drained = (response: ServerResponse, mostUnreadMs: number): Promise<void> =>
  new Promise((resolve) => {
    if (response.destroyed) return resolve();
    const late = setTimeout(() => response.destroy(), mostUnreadMs);
    const settle = () => {
      clearTimeout(late);
      response.off('drain', settle).off('close', settle);
      resolve();
    };
    response.on('drain', settle).on('close', settle);
  });
