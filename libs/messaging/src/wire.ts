import type { ClientFrame } from '@openward/contracts';

// The NATS client protocol as it leaves a client, read back into frames: for the ledger, which counts what was sent, and for
// the test that keeps every byte that leaves a site.

/** The bytes are not of the client protocol. Whoever reads on would guess. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

const CR_LF = Buffer.from('\r\n');
/** CONNECT with its JWT is the longest line. */
const LONGEST_LINE = 65_536;

function control(line: string): ClientFrame | { readonly publish: RegExpExecArray; readonly withHeaders: boolean } {
  if (line === 'PING') return { op: 'PING' };
  if (line === 'PONG') return { op: 'PONG' };
  if (line.startsWith('CONNECT ')) return { op: 'CONNECT', body: line.slice('CONNECT '.length) };
  const sub = /^SUB (\S+) (?:(\S+) )?(\S+)$/.exec(line);
  if (sub) {
    const [, subject = '', queue, sid = ''] = sub;
    return { op: 'SUB', subject, sid, ...(queue === undefined ? {} : { queue }) };
  }
  const unsub = /^UNSUB (\S+)(?: (\d+))?$/.exec(line);
  if (unsub) {
    const [, sid = '', max] = unsub;
    return { op: 'UNSUB', sid, ...(max === undefined ? {} : { max }) };
  }
  const pub = /^PUB (\S+) (?:(\S+) )?(\d+)$/.exec(line);
  if (pub) return { publish: pub, withHeaders: false };
  const hpub = /^HPUB (\S+) (?:(\S+) )?(\d+) (\d+)$/.exec(line);
  if (hpub) return { publish: hpub, withHeaders: true };
  throw new WireError(`no line of the client protocol: ${JSON.stringify(line.slice(0, 80))}`);
}

/** Takes a client's bytes in pieces of any size. One parser a connection. */
export class ClientStreamParser {
  #kept: Buffer = Buffer.alloc(0);

  /** Bytes that wait for the rest of their frame; 0 at a clean end. */
  get pending(): number {
    return this.#kept.length;
  }

  /** The frames that are whole now, in order. */
  push(bytes: Uint8Array): ClientFrame[] {
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#kept = this.#kept.length === 0 ? piece : Buffer.concat([this.#kept, piece]);
    const frames: ClientFrame[] = [];
    for (let next = this.#next(); next !== null; next = this.#next()) frames.push(next);
    return frames;
  }

  #next(): ClientFrame | null {
    const end = this.#kept.indexOf(CR_LF);
    if (end < 0) {
      if (this.#kept.length > LONGEST_LINE) throw new WireError('a line without an end');
      return null;
    }
    const parsed = control(this.#kept.toString('utf8', 0, end));
    if ('op' in parsed) {
      this.#kept = this.#kept.subarray(end + 2);
      return parsed;
    }
    const [, subject = '', reply, first = '0', second] = parsed.publish;
    const headerLength = parsed.withHeaders ? Number(first) : 0;
    const length = Number(parsed.withHeaders ? second : first);
    if (headerLength > length) throw new WireError('headers longer than their message');
    const start = end + 2;
    if (this.#kept.length < start + length + 2) return null;
    if (!this.#kept.subarray(start + length, start + length + 2).equals(CR_LF))
      throw new WireError('a payload that does not end where it says');
    const payload = Buffer.from(this.#kept.subarray(start + headerLength, start + length));
    const headers = this.#kept.toString('utf8', start, start + headerLength);
    this.#kept = this.#kept.subarray(start + length + 2);
    const to = { subject, ...(reply === undefined ? {} : { reply }) };
    return parsed.withHeaders ? { op: 'HPUB', ...to, headers, payload } : { op: 'PUB', ...to, payload };
  }
}

/** All frames of a recorded connection; throws when bytes are left over. */
export function parseClientStream(bytes: Uint8Array): ClientFrame[] {
  const parser = new ClientStreamParser();
  const frames = parser.push(bytes);
  if (parser.pending > 0) throw new WireError(`${parser.pending} bytes after the last frame`);
  return frames;
}
