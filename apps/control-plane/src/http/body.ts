import { API, Refusal } from '@openward/contracts';
import type { NextFunction, Request, Response } from 'express';

// Bodies are read here and nowhere else: bounded in size and time, and JSON is JSON. Chunks alone stream through.

const KIB = 1024;
const LIMITS: readonly { readonly path: RegExp; readonly bytes: number }[] = [
  { path: /^\/api\/v1\/suites$/, bytes: 16 * KIB * KIB },
  // A policy's own bound is on its canonical form, which is shorter than what an author may write.
  { path: /^\/api\/v1\/policies$/, bytes: KIB * KIB },
  { path: /^\/api\/v1\/(enrol|renew)$/, bytes: 16 * KIB },
  { path: /^/, bytes: 256 * KIB },
];

const STREAMED = /^\/api\/v1\/chunks\/sha256/;

const limitOf = (path: string): number => LIMITS.find((it) => it.path.test(path))?.bytes ?? 0;

/** A body as bytes: at most `limit` of them, within `withinMs`. */
export function readBytes(request: Request, limit: number, withinMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let size = 0;
    const settle = (act: () => void): void => {
      clearTimeout(patience);
      request.off('data', take).off('end', end).off('error', fail).off('close', gone);
      act();
    };
    const refuse = (refusal: Refusal): void =>
      settle(() => {
        if (refusal.code === 'bodyTooLarge') return void drain(request).then(() => reject(refusal));
        request.pause();
        reject(refusal);
      });
    const tooLarge = (): Refusal =>
      new Refusal('bodyTooLarge', `A body here has at most ${limit} bytes.`, { details: { limit } });
    const take = (part: Buffer): void => {
      size += part.length;
      if (size > limit) return refuse(tooLarge());
      parts.push(part);
    };
    const end = (): void => settle(() => resolve(Buffer.concat(parts)));
    const fail = (error: Error): void =>
      settle(() => reject(new Refusal('badRequest', 'The body broke off.', { cause: error })));
    const gone = (): void => settle(() => reject(new Refusal('badRequest', 'The body broke off.')));
    const patience = setTimeout(
      () =>
        refuse(
          new Refusal('bodyTooSlow', `The whole body must come within ${withinMs} ms.`, { details: { withinMs } }),
        ),
      withinMs,
    );
    if (Number(request.headers['content-length'] ?? 0) > limit) return refuse(tooLarge());
    request.on('data', take).on('end', end).on('error', fail).on('close', gone);
  });
}

const DRAIN = { bytes: 64 * KIB * KIB, ms: 3000 };

/** Reads on and forgets, for a while: a client that is still sending when the connection closes never sees the answer. */
function drain(request: Request): Promise<void> {
  return new Promise((resolve) => {
    let size = 0;
    const finish = (): void => {
      clearTimeout(patience);
      request.off('data', take).off('end', finish).off('close', finish).off('error', finish).pause();
      resolve();
    };
    const take = (part: Buffer): void => {
      size += part.length;
      if (size > DRAIN.bytes) finish();
    };
    const patience = setTimeout(finish, DRAIN.ms);
    request.on('data', take).on('end', finish).on('close', finish).on('error', finish);
  });
}

/** As a middleware before every route: `request.body` is what the JSON says, or a Buffer where the content is not JSON. */
export const bodies =
  (withinMs: number) =>
  async (request: Request, _response: Response, next: NextFunction): Promise<void> => {
    if (request.originalUrl.includes('%00')) throw new Refusal('badRequest', 'No address may hold U+0000.');
    if (hasBody(request) && !STREAMED.test(request.path)) request.body = await read(request, withinMs);
    next();
  };

const hasBody = ({ headers, method }: Request): boolean =>
  method !== 'GET' &&
  method !== 'HEAD' &&
  (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0);

async function read(request: Request, withinMs: number): Promise<unknown> {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  const isFrame = /^\/api\/v1\/(enrol|renew)$/.test(request.path);
  if (isFrame ? type !== 'application/octet-stream' : type !== 'application/json') {
    const wanted = isFrame ? 'application/octet-stream' : 'application/json';
    throw new Refusal('notJson', `The content type is ${type ?? 'not set'}; ${API} takes ${wanted} here.`);
  }
  const bytes = await readBytes(request, limitOf(request.path), withinMs);
  return isFrame ? bytes : parse(bytes);
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes), storable) as unknown;
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    throw new Refusal('notJson', 'The body is not JSON.', { cause });
  }
}

/** A reviver. PostgreSQL has no text with U+0000 or half a surrogate pair, which JSON can spell. */
function storable(key: string, value: unknown): unknown {
  if (isStorable(key) && (typeof value !== 'string' || isStorable(value))) return value;
  const field = isStorable(key) ? key : 'a name';
  throw new Refusal('badRequest', `${field}: no text may hold U+0000 or half a surrogate pair.`);
}

const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed();
