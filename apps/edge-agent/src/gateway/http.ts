import type { IncomingMessage, ServerResponse } from 'node:http';
import { Refusal } from '@openward/contracts';

export interface BodyLimits {
  readonly bytes: number;
  readonly ms: number;
}

/** The whole body, parsed. Refuses what is too large, too slow or not JSON. */
export async function readJson(request: IncomingMessage, limits: BodyLimits): Promise<unknown> {
  const bytes = await readBytes(request, limits);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
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
      if (length > limits.bytes) refuse(new Refusal('bodyTooLarge', `The body has more than ${limits.bytes} bytes.`));
      else pieces.push(piece);
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

export function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}
