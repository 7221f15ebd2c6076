import { Refusal } from '@openward/contracts';
import { Cursor, type Reading } from './gguf-cursor.ts';
import { checkVocabulary, type RawMetadata, readMetadata } from './gguf-metadata.ts';
import { checkShape } from './gguf-shape.ts';
import { isInteger, TENSOR_TYPES } from './gguf-types.ts';
import type { ByteSource } from './ports.ts';

// The header of a GGUF file, read with nothing in it trusted (N9): native code sees a file only after this has. Each offset,
// size, count and length is checked before it is used, and memory grows with what was read, never with what was announced.
// Tensors must lie one behind the other, as llama.cpp demands too; so none overlaps another, and the file's least size is known.

export interface GgufTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly type: string;
  /** From the start of the file, in bytes. */
  readonly offset: number;
  readonly bytes: number;
}

export interface GgufMetadata {
  readonly architecture: string;
  /** `model` where the file does not say. */
  readonly type: string;
  readonly name: string | undefined;
  /** `lora` for an adapter. */
  readonly adapterType: string | undefined;
  readonly loraAlpha: number | undefined;
  readonly contextLength: number | undefined;
  readonly embeddingLength: number | undefined;
  readonly blockCount: number | undefined;
  readonly vocabularySize: number | undefined;
  readonly tokenizer: string | undefined;
  /** `general.file_type`, a number of llama.cpp's. */
  readonly fileType: number | undefined;
  /** The type that most of the tensors' bytes have. */
  readonly quantisation: string | undefined;
}

export interface Gguf {
  readonly version: 2 | 3;
  readonly metadata: GgufMetadata;
  /** In the order of the file. */
  readonly tensors: readonly GgufTensor[];
  /** Where the tensors' data starts. */
  readonly dataOffset: number;
  readonly alignment: number;
  /** Places in the header where large values start and end, and where the tensors' descriptions start. */
  readonly headerCuts: readonly number[];
}

const MAX_TENSORS = 65_536;
const MAX_DIMS = 4;
/** As GGML_MAX_NAME, less its closing zero. */
const MAX_NAME_BYTES = 63;
const MAGIC = 'GGUF';

function* readTensor(cursor: Cursor, which: string): Reading<Omit<GgufTensor, 'name'> & { name: string }> {
  cursor.what = `the name of ${which}`;
  const name = yield* cursor.string(MAX_NAME_BYTES);
  if (!/^[!-~]+$/.test(name)) throw cursor.hostile('a name that is empty or has other than printable ASCII');
  cursor.what = `tensor ${name}`;
  const rank = yield* cursor.u32();
  if (rank < 1 || rank > MAX_DIMS) throw cursor.hostile(`${rank} dimensions, where 1 to ${MAX_DIMS} are meant`);
  const dims: number[] = [];
  let elements = 1;
  for (let i = 0; i < rank; i += 1) {
    const dim = yield* cursor.u64();
    if (dim < 1) throw cursor.hostile('a dimension of nothing');
    if (dim > Number.MAX_SAFE_INTEGER / elements) throw cursor.hostile('more elements than can be counted');
    elements *= dim;
    dims.push(dim);
  }
  const number = yield* cursor.u32();
  const type = TENSOR_TYPES.get(number);
  if (!type) throw cursor.hostile(`the unknown tensor type ${number}`);
  const [typeName, perBlock, blockBytes] = type;
  if (dims[0]! % perBlock !== 0) throw cursor.hostile(`rows of ${dims[0]}, which are no whole blocks of ${perBlock}`);
  const blocks = elements / perBlock;
  if (blocks > Number.MAX_SAFE_INTEGER / blockBytes) throw cursor.hostile('more bytes than can be counted');
  const offset = yield* cursor.u64();
  return { name, dims, type: typeName, offset, bytes: blocks * blockBytes };
}

function* readTensors(cursor: Cursor, count: number, alignment: number): Reading<GgufTensor[]> {
  const seen = new Set<string>();
  const tensors: GgufTensor[] = [];
  let expected = 0;
  for (let i = 0; i < count; i += 1) {
    const tensor = yield* readTensor(cursor, `tensor ${i + 1} of ${count}`);
    if (seen.has(tensor.name)) throw cursor.hostile('this name a second time');
    seen.add(tensor.name);
    if (tensor.offset % alignment !== 0) throw cursor.hostile(`offset ${tensor.offset} is no multiple of ${alignment}`);
    if (tensor.offset !== expected) throw cursor.hostile(`offset ${tensor.offset}, where ${expected} is the next free`);
    expected = align(tensor.offset + tensor.bytes, alignment);
    if (!Number.isSafeInteger(expected)) throw cursor.hostile('more bytes than can be counted');
    tensors.push(tensor);
  }
  return tensors;
}

const align = (offset: number, alignment: number): number => Math.ceil(offset / alignment) * alignment;

function readAlignment(cursor: Cursor, raw: RawMetadata): number {
  const given = raw.numbers.get('general.alignment');
  if (!given) return 32;
  cursor.what = 'the value of general.alignment';
  const { type, value } = given;
  const isPower = isInteger(type) && value >= 8 && value <= 65_536 && Number.isInteger(Math.log2(value));
  if (!isPower) throw cursor.hostile(`an alignment of ${value}, where a power of 2 from 8 to 65536 is meant`);
  return value;
}

function* readMagic(cursor: Cursor): Reading<2 | 3> {
  if (cursor.size === 0) throw new Refusal('notGguf', 'The file is empty.');
  const start = yield* cursor.bytes(Math.min(4, cursor.size));
  if (!MAGIC.startsWith(String.fromCharCode(...start))) {
    throw new Refusal('notGguf', 'The file does not start with the four letters GGUF.');
  }
  if (start.length < 4) throw cursor.cutShort(4);
  cursor.what = 'the version';
  const version = yield* cursor.u32();
  if (version === 2 || version === 3) return version;
  const why = version % 65_536 === 0 ? 'has its bytes in big-endian order' : `has version ${version}`;
  throw new Refusal('notGguf', `The file is a GGUF that ${why}; versions 2 and 3 in little-endian order can be read.`);
}

function describe(raw: RawMetadata, tensors: readonly GgufTensor[], vocabularySize: number | undefined): GgufMetadata {
  const architecture = raw.texts.get('general.architecture') ?? '';
  const count = (key: string): number | undefined => {
    const found = raw.numbers.get(key);
    return found && isInteger(found.type) && found.value >= 0 && Number.isFinite(found.value) ? found.value : undefined;
  };
  const bytesByType = new Map<string, number>();
  for (const { type, bytes } of tensors) bytesByType.set(type, (bytesByType.get(type) ?? 0) + bytes);
  const [most] = [...bytesByType].toSorted((a, b) => b[1] - a[1]);
  return {
    architecture,
    type: raw.texts.get('general.type') ?? 'model',
    name: raw.texts.get('general.name'),
    adapterType: raw.texts.get('adapter.type'),
    loraAlpha: raw.numbers.get('adapter.lora.alpha')?.value,
    contextLength: count(`${architecture}.context_length`),
    embeddingLength: count(`${architecture}.embedding_length`),
    blockCount: count(`${architecture}.block_count`),
    vocabularySize,
    tokenizer: raw.texts.get('tokenizer.ggml.model'),
    fileType: count('general.file_type'),
    quantisation: most?.[0],
  };
}

/** The parser itself: yields what it wants to read, and is given exactly that. Throws a `Refusal`. */
export function* readingGguf(size: number): Reading<Gguf> {
  const cursor = new Cursor(size);
  cursor.what = 'the start';
  const version = yield* readMagic(cursor);
  cursor.what = 'the count of tensors';
  const tensorCount = yield* cursor.u64();
  if (tensorCount > MAX_TENSORS) throw cursor.hostile(`${tensorCount} tensors, where ${MAX_TENSORS} are the most`);
  cursor.what = 'the count of keys';
  const raw = yield* readMetadata(cursor, yield* cursor.u64());
  if (!raw.texts.get('general.architecture')) throw cursor.hostile('general.architecture is not there');
  if ((raw.numbers.get('split.count')?.value ?? 1) > 1) {
    throw new Refusal('notGguf', 'The file is one part of a model that was split; join the parts first.');
  }
  const vocabularySize = checkVocabulary(cursor, raw);
  const alignment = readAlignment(cursor, raw);
  const tensorsAt = cursor.at;
  const placed = yield* readTensors(cursor, tensorCount, alignment);
  const dataOffset = align(cursor.at, alignment);
  const tensors = placed.map((tensor) => ({ ...tensor, offset: dataOffset + tensor.offset }));
  const last = tensors.at(-1);
  if (last) {
    const beyond = tensors.find((tensor) => tensor.offset + tensor.bytes > size) ?? last;
    cursor.what = `the data of tensor ${beyond.name}`;
    if (last.offset + last.bytes > size) throw cursor.cutShort(last.offset + last.bytes);
  }
  checkShape(cursor, raw, tensors, vocabularySize);
  const headerCuts = [...new Set([...raw.cuts, tensorsAt])];
  return { version, metadata: describe(raw, tensors, vocabularySize), tensors, dataOffset, alignment, headerCuts };
}

/** Parses bytes in memory: a whole file. Throws a `Refusal` (`notGguf`, `ggufCutShort`, `ggufHostile`). */
export function parseGguf(bytes: Uint8Array): Gguf {
  const reading = readingGguf(bytes.length);
  let step = reading.next();
  while (!step.done) step = reading.next(bytes.subarray(step.value.offset, step.value.offset + step.value.length));
  return step.value;
}

/** As `parseGguf`, over a file or a store of chunks; reads the header only. */
export async function readGguf(source: ByteSource): Promise<Gguf> {
  const reading = readingGguf(source.size);
  let step = reading.next();
  while (!step.done) step = reading.next(await source.read(step.value.offset, step.value.length));
  return step.value;
}
