import type { Cursor, Reading } from './gguf-cursor.ts';
import { isInteger, VALUE, VALUE_BYTES } from './gguf-types.ts';

/** The most keys, and the most elements of an array. Real files have about 50 and 600,000. */
const MAX_KEYS = 65_536;
const MAX_ELEMENTS = 16_777_216;
const MAX_KEY_BYTES = 256;
/** Of a string whose text is kept. */
const MAX_TEXT = 65_536;
/** A value at least this large gets a chunk of its own, so that a changed neighbour does not change it. */
const OWN_CHUNK = 16 * 1024;

const KEPT_TEXTS: ReadonlySet<string> = new Set([
  'general.architecture',
  'general.type',
  'general.name',
  'adapter.type',
  'tokenizer.ggml.model',
]);

export interface RawMetadata {
  readonly texts: ReadonlyMap<string, string>;
  /** Every number and truth value, with its type's number. Integers above 2^53 are infinite, which no check accepts. */
  readonly numbers: ReadonlyMap<string, { readonly type: number; readonly value: number }>;
  readonly arrays: ReadonlyMap<string, { readonly type: number; readonly count: number }>;
  /** Where large values start and end. */
  readonly cuts: readonly number[];
}

function* readNumber(cursor: Cursor, type: number, bytes: number): Reading<number> {
  const raw = yield* cursor.bytes(bytes);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const safe = (value: bigint): number => {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : Number.POSITIVE_INFINITY;
  };
  switch (type) {
    case VALUE.int8:
      return view.getInt8(0);
    case VALUE.uint16:
      return view.getUint16(0, true);
    case VALUE.int16:
      return view.getInt16(0, true);
    case VALUE.uint32:
      return view.getUint32(0, true);
    case VALUE.int32:
      return view.getInt32(0, true);
    case VALUE.float32:
      return view.getFloat32(0, true);
    case VALUE.uint64:
      return safe(view.getBigUint64(0, true));
    case VALUE.int64:
      return safe(view.getBigInt64(0, true));
    case VALUE.float64:
      return view.getFloat64(0, true);
    default:
      return view.getUint8(0);
  }
}

function* skipArray(cursor: Cursor): Reading<{ type: number; count: number }> {
  const type = yield* cursor.u32();
  const count = yield* cursor.u64();
  if (type === VALUE.array) throw cursor.hostile('an array inside an array');
  if (count > MAX_ELEMENTS) throw cursor.hostile(`an array of ${count} elements, where ${MAX_ELEMENTS} are the most`);
  const bytes = VALUE_BYTES.get(type);
  if (type === VALUE.string) yield* cursor.skipStrings(count);
  else if (bytes === undefined) throw cursor.hostile(`an array of values of the unknown type ${type}`);
  else cursor.skip(count * bytes);
  return { type, count };
}

/** Reads `count` keys and values and keeps what is small. */
export function* readMetadata(cursor: Cursor, count: number): Reading<RawMetadata> {
  if (count > MAX_KEYS) throw cursor.hostile(`${count} keys, where ${MAX_KEYS} are the most`);
  const seen = new Set<string>();
  const texts = new Map<string, string>();
  const numbers = new Map<string, { type: number; value: number }>();
  const arrays = new Map<string, { type: number; count: number }>();
  const cuts: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const start = cursor.at;
    cursor.what = `key ${i + 1} of ${count}`;
    const key = yield* cursor.string(MAX_KEY_BYTES);
    if (!/^[!-~]+$/.test(key)) throw cursor.hostile('a key that is empty or has other than printable ASCII');
    if (seen.has(key)) throw cursor.hostile(`the key ${key} a second time`);
    seen.add(key);
    cursor.what = `the value of ${key}`;
    const type = yield* cursor.u32();
    const bytes = VALUE_BYTES.get(type);
    if (bytes !== undefined) {
      const value = yield* readNumber(cursor, type, bytes);
      if (type === VALUE.bool && value > 1) throw cursor.hostile(`a truth value of ${value}`);
      numbers.set(key, { type, value });
    } else if (type === VALUE.string) {
      if (KEPT_TEXTS.has(key)) texts.set(key, yield* cursor.string(MAX_TEXT));
      else yield* cursor.skipStrings(1);
    } else if (type === VALUE.array) arrays.set(key, yield* skipArray(cursor));
    else throw cursor.hostile(`a value of the unknown type ${type}`);
    if (cursor.at - start >= OWN_CHUNK) cuts.push(start, cursor.at);
  }
  return { texts, numbers, arrays, cuts };
}

/**
 * Native code indexes these arrays by token without asking how long they are, so their lengths and types must agree, and
 * each id must name a token (N9). The vocabulary's size, or undefined where the file has none.
 */
export function checkVocabulary(cursor: Cursor, raw: RawMetadata): number | undefined {
  cursor.what = 'the vocabulary';
  const tokens = raw.arrays.get('tokenizer.ggml.tokens');
  if (tokens && tokens.type !== VALUE.string) throw cursor.hostile('tokens that are not strings');
  const perToken: [key: string, type: number][] = [
    ['tokenizer.ggml.scores', VALUE.float32],
    ['tokenizer.ggml.token_type', VALUE.int32],
  ];
  for (const [key, type] of perToken) {
    const array = raw.arrays.get(key);
    if (!array) continue;
    const ofType = array.type === type || (isInteger(type) && array.type === VALUE.uint32);
    if (!ofType) throw cursor.hostile(`${key} has elements of type ${array.type}`);
    if (array.count !== tokens?.count) {
      throw cursor.hostile(`${key} has ${array.count} elements for ${tokens?.count ?? 0} tokens`);
    }
  }
  const merges = raw.arrays.get('tokenizer.ggml.merges');
  if (merges && merges.type !== VALUE.string) throw cursor.hostile('merges that are not strings');
  const size = tokens?.count ?? declaredVocabulary(raw);
  for (const [key, { type, value }] of raw.numbers) {
    if (!/^tokenizer\.ggml\.[a-z0-9_]+_token_id$/.test(key)) continue;
    if (!isInteger(type) || value < 0) throw cursor.hostile(`${key} is no token id`);
    if (size !== undefined && value >= size) throw cursor.hostile(`${key} is ${value}, and there are ${size} tokens`);
  }
  return size;
}

function declaredVocabulary(raw: RawMetadata): number | undefined {
  const declared = raw.numbers.get(`${raw.texts.get('general.architecture') ?? ''}.vocab_size`);
  return declared && isInteger(declared.type) ? declared.value : undefined;
}
