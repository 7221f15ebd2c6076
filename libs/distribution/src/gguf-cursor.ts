import { Refusal } from '@openward/contracts';

// Reads forward through a file that nobody has checked. It asks for bytes by yielding, so that one parser serves a buffer, a
// file and a store of chunks; and it never asks for more than the file has, nor keeps more than a window of it.

/** Which bytes the parser wants next; always inside the file. */
export interface Want {
  readonly offset: number;
  readonly length: number;
}

export type Reading<T> = Generator<Want, T, Uint8Array>;

const WINDOW = 256 * 1024;
/** Of a header. Real ones, with 256,000 tokens and their merges, have about 20 MiB. */
const MAX_HEADER = 256 * 1024 * 1024;
/** Of a string that is passed over. One that is kept is far shorter. */
const MAX_STRING = 64 * 1024 * 1024;

export class Cursor {
  readonly size: number;
  /** What is being read, for the error. */
  what = 'the header';
  #at = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #start = 0;

  constructor(size: number) {
    this.size = size;
  }

  /** The byte that is read next. */
  get at(): number {
    return this.#at;
  }

  #has(length: number): boolean {
    return this.#at + length <= this.#start + this.#bytes.length;
  }

  /** Makes the next `length` bytes readable; `length` is small or was checked by the caller. */
  *need(length: number): Reading<void> {
    this.#check(length);
    if (this.#has(length)) return;
    const want = { offset: this.#at, length: Math.min(Math.max(length, WINDOW), this.size - this.#at) };
    const bytes = yield want;
    if (bytes.length !== want.length) throw new Error(`asked for ${want.length} bytes and got ${bytes.length}`);
    this.#start = this.#at;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #check(length: number): void {
    if (length > this.size - this.#at) throw this.cutShort(this.#at + length);
    if (this.#at + length > MAX_HEADER) throw this.hostile(`the header has more than ${MAX_HEADER} bytes`);
  }

  skip(length: number): void {
    this.#check(length);
    this.#at += length;
  }

  *u8(): Reading<number> {
    yield* this.need(1);
    const value = this.#view.getUint8(this.#at - this.#start);
    this.#at += 1;
    return value;
  }

  *u32(): Reading<number> {
    yield* this.need(4);
    const value = this.#view.getUint32(this.#at - this.#start, true);
    this.#at += 4;
    return value;
  }

  /** A length, count or offset. One above 2^53 is never meant. */
  *u64(): Reading<number> {
    yield* this.need(8);
    return this.#size64();
  }

  #size64(): number {
    const place = this.#at - this.#start;
    const high = this.#view.getUint32(place + 4, true);
    if (high > 0x1f_ffff) throw this.hostile('a number above 2^53');
    const value = high * 0x1_0000_0000 + this.#view.getUint32(place, true);
    this.#at += 8;
    return value;
  }

  /** The bytes themselves, at most a window of them; valid until the next reading. */
  *bytes(length: number): Reading<Uint8Array> {
    yield* this.need(length);
    const place = this.#at - this.#start;
    this.#at += length;
    return this.#bytes.subarray(place, place + length);
  }

  /** A string of at most `most` bytes that must be UTF-8. */
  *string(most: number): Reading<string> {
    const length = yield* this.u64();
    if (length > most) throw this.hostile(`a string of ${length} bytes, where ${most} are the most`);
    const bytes = yield* this.bytes(length);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch (cause) {
      throw this.hostile('a string that is not UTF-8', cause);
    }
  }

  /** Passes over `count` strings, and reads nothing ahead for a count that the file cannot hold. */
  *skipStrings(count: number): Reading<void> {
    for (let i = 0; i < count; i += 1) {
      if (!this.#has(8)) yield* this.need(8);
      const length = this.#size64();
      if (length > MAX_STRING) throw this.hostile(`a string of ${length} bytes, where ${MAX_STRING} are the most`);
      this.#check(length);
      this.#at += length;
    }
  }

  cutShort(needs: number): Refusal {
    const message = `The file ends at byte ${this.size} while ${this.what} is read, which goes on to byte ${needs} at least.`;
    return new Refusal('ggufCutShort', message, { details: { endsAt: this.size, needs, reading: this.what } });
  }

  hostile(why: string, cause?: unknown): Refusal {
    const message = `At byte ${this.#at}, in ${this.what}: ${why}.`;
    return new Refusal('ggufHostile', message, { details: { at: this.#at, reading: this.what }, cause });
  }
}
