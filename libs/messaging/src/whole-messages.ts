import type { NatsConnection } from '@nats-io/nats-core';
import type { NatsConnectionImpl } from '@nats-io/nats-core/internal';

// A message that comes in several reads is put together by the client in a buffer that it grows as it goes: three to four bytes
// for each byte of a chunk, all of them to be cleared, copied and collected. The server says in the message's first line how
// long it is, so one buffer of that size will do, and whoever is done with a chunk can give its buffer back for the next: what
// is collected less often costs less. Nothing is judged here: what is not understood goes to the client as it came.

/** No server takes a larger payload than this by default; beyond it the client is left to itself. */
const MOST_BYTES = 8 * 1024 * 1024;
/** Of a MSG or HMSG line: two subjects of a few hundred bytes, and numbers. */
const LONGEST_LINE = 64 * 1024;
const NEW_LINE = 10;
/** The length of buffers, in steps: a chunk and its headers take one of few lengths, and so find one that was given back. */
const STEP = 4096;
/** Buffers that wait for a message: as many as the widest window asks for. */
const MOST_SPARE = 32;

/** Buffers that each hold one message, and those that wait for one. Never shared with what a socket reads into. */
class Buffers {
  readonly #spare: Buffer[] = [];
  readonly #given = new WeakSet<ArrayBufferLike>();

  take(length: number): Buffer {
    const needed = Math.ceil(length / STEP) * STEP;
    const found = this.#spare.findLastIndex((spare) => spare.length === needed);
    const buffer = found < 0 ? Buffer.allocUnsafeSlow(needed) : this.#spare.splice(found, 1)[0]!;
    this.#given.add(buffer.buffer);
    return buffer.subarray(0, length);
  }

  giveBack({ buffer }: Uint8Array): void {
    if (this.#given.delete(buffer) && this.#spare.length < MOST_SPARE) this.#spare.push(Buffer.from(buffer));
  }
}

/** Regroups what a server sends so that a message is never cut: the same bytes in the same order. One for a connection. */
export class MessageJoiner {
  /** A message that has begun, and how much of it is there. */
  #whole: Buffer | undefined;
  #filled = 0;
  /** A line that has begun. */
  #line: Buffer | undefined;
  #givenUp = false;
  readonly #buffers: Buffers;

  constructor(buffers = new Buffers()) {
    this.#buffers = buffers;
  }

  push(bytes: Uint8Array): readonly Uint8Array[] {
    if (this.#givenUp) return [bytes];
    let piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const ready: Uint8Array[] = [];
    if (this.#whole) {
      const copied = piece.copy(this.#whole, this.#filled);
      this.#filled += copied;
      if (this.#filled < this.#whole.length) return ready;
      ready.push(this.#whole);
      this.#whole = undefined;
      piece = piece.subarray(copied);
    } else if (this.#line) {
      piece = Buffer.concat([this.#line, piece]);
      this.#line = undefined;
    }
    const kept = this.#wholePart(piece);
    if (kept > 0) ready.push(piece.subarray(0, kept));
    if (kept < piece.length) this.#begin(piece.subarray(kept), ready);
    return ready;
  }

  /** How many bytes at the start are whole lines and whole messages. */
  #wholePart(piece: Buffer): number {
    let at = 0;
    for (;;) {
      const length = frameLength(piece, at);
      if (length === undefined || at + length > piece.length) return at;
      at += length;
    }
  }

  #begin(rest: Buffer, ready: Uint8Array[]): void {
    const length = frameLength(rest, 0);
    if (length === undefined && rest.length <= LONGEST_LINE) {
      this.#line = Buffer.from(rest);
    } else if (length !== undefined && length <= MOST_BYTES) {
      this.#whole = this.#buffers.take(length);
      this.#filled = rest.copy(this.#whole);
    } else {
      this.#givenUp = true;
      ready.push(rest);
    }
  }
}

/** Of the line at this place, with the payload that it announces; undefined while the line has no end. */
function frameLength(bytes: Buffer, at: number): number | undefined {
  const end = bytes.indexOf(NEW_LINE, at);
  if (end < 0) return undefined;
  const line = end + 1 - at;
  const first = bytes[at];
  // MSG and HMSG, in whatever case: no other line of a server starts so.
  if (first !== 0x4d && first !== 0x48 && first !== 0x6d && first !== 0x68) return line;
  const size = Number(/ (\d+)\r?$/.exec(bytes.toString('latin1', at, end))?.[1]);
  return Number.isSafeInteger(size) ? line + size + 2 : Number.POSITIVE_INFINITY;
}

/** The payload of a message may be overwritten from now on: whoever calls this reads it no more, nor does anybody else. */
export type GiveBack = (payload: Uint8Array) => void;

/**
 * Puts a joiner before the connection's parser, now and each time it connects anew. The client has no hook for it, so its
 * parser is wrapped where the client puts it; without such a place nothing is changed but speed.
 */
export function joinMessages(nc: NatsConnection): GiveBack {
  const { protocol } = nc as NatsConnectionImpl;
  const buffers = new Buffers();
  let parser = wrapped(protocol.parser, buffers);
  Object.defineProperty(protocol, 'parser', {
    get: () => parser,
    set: (next: Parser) => {
      parser = wrapped(next, buffers);
    },
  });
  return (payload) => buffers.giveBack(payload);
}

type Parser = NatsConnectionImpl['protocol']['parser'];

function wrapped(parser: Parser, buffers: Buffers): Parser {
  const joiner = new MessageJoiner(buffers);
  const parse = parser.parse.bind(parser);
  parser.parse = (bytes) => {
    for (const whole of joiner.push(bytes)) parse(whole);
  };
  return parser;
}
