import type { IncomingMessage, ServerResponse } from 'node:http';
import { Refusal } from '@openward/contracts';
import { RETRY_AFTER_SECONDS } from './slots.ts';

export interface BodyLimits {
  readonly bytes: number;
  readonly ms: number;
}

// Making one takes longer than reading a request with it; it keeps nothing between two whole texts.
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The whole body, parsed. Refuses what is too large, too slow or not JSON. */
export async function readJson(request: IncomingMessage, limits: BodyLimits): Promise<unknown> {
  const bytes = await readBytes(request, limits);
  try {
    return JSON.parse(utf8.decode(bytes)) as unknown;
  } catch (cause) {
    throw new Refusal('notJson', 'The body is not JSON in UTF-8.', { cause });
  }
}

function readBytes(request: IncomingMessage, limits: BodyLimits): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let length = 0;
    const settle = (act: () => void) => {
      clearTimeout(timer);
      request.off('data', take).off('end', finish).off('error', reject).off('close', leave);
      act();
    };
    const refuse = (refusal: Refusal) => settle(() => reject(refusal));
    const take = (piece: Buffer) => {
      length += piece.length;
      if (length <= limits.bytes) return void pieces.push(piece);
      const refusal = new Refusal('bodyTooLarge', `The body has more than ${limits.bytes} bytes.`);
      settle(() => void drain(request).then(() => reject(refusal)));
    };
    const finish = () => settle(() => resolve(pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces)));
    const leave = () => refuse(new Refusal('badRequest', 'The connection closed before the body was whole.'));
    const timer = setTimeout(
      () => refuse(new Refusal('bodyTooSlow', `The body did not arrive within ${limits.ms} ms.`)),
      limits.ms,
    );
    request.on('data', take).on('end', finish).on('error', reject).on('close', leave);
  });
}

const DRAIN = { bytes: 64 * 1024 * 1024, ms: 3000 };

/** Reads on and forgets, for a while: a client that is still sending when the connection closes never sees the answer. */
function drain(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let length = 0;
    const finish = () => {
      clearTimeout(timer);
      request.off('data', take).off('end', finish).off('close', finish).off('error', finish).pause();
      resolve();
    };
    const take = (piece: Buffer) => {
      length += piece.length;
      if (length > DRAIN.bytes) finish();
    };
    const timer = setTimeout(finish, DRAIN.ms);
    request.on('data', take).on('end', finish).on('close', finish).on('error', finish);
  });
}

const RETRY_AFTER: Partial<Record<Refusal['code'], number>> = {
  queueFull: RETRY_AFTER_SECONDS,
  // It loads, or goes back. A halt has no end that this node knows of.
  notServing: 5,
};

/** In the words of one API. Where an answer has begun nothing can be told any more, and one that is not whole ends broken. */
export function sendRefusal(
  response: ServerResponse,
  refusal: Refusal,
  errorOf: (refusal: Refusal) => unknown,
  beside: ReplyHeaders,
): void {
  if (response.writableEnded) return;
  if (response.headersSent || response.destroyed) return void response.destroy();
  const headers: Record<string, string | string[]> = { ...beside, 'x-openward-code': refusal.code };
  const retryAfter = RETRY_AFTER[refusal.code];
  if (retryAfter !== undefined) headers['retry-after'] = String(retryAfter);
  // What was not read of a refused body must not be taken for the next request.
  if (refusal.code === 'bodyTooLarge' || refusal.code === 'bodyTooSlow') headers['connection'] = 'close';
  sendJson(response, refusal.status, errorOf(refusal), headers);
}

/** A list is one header each. */
export type ReplyHeaders = Readonly<Record<string, string | string[]>>;

export function sendJson(response: ServerResponse, status: number, value: unknown, headers: ReplyHeaders): void {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}
