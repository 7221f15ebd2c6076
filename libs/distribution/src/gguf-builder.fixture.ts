import { TENSOR_TYPES, VALUE } from './gguf-types.ts';

// Writes small GGUF files for tests, honest ones and others: every field can be given a wrong value.

export type Value =
  | { type: 'string'; value: string }
  | { type: 'uint32' | 'int32' | 'float32' | 'uint64' | 'bool'; value: number }
  | { type: 'strings'; value: readonly string[] }
  | { type: 'float32s' | 'int32s'; value: readonly number[] };

export interface TensorSpec {
  readonly name: string;
  readonly dims: readonly number[];
  readonly type?: string;
  /** The data's filling. */
  readonly fill?: number | Uint8Array;
  /** In place of the right one. */
  readonly offset?: number | bigint;
}

export interface GgufSpec {
  readonly version?: number;
  readonly keys: readonly (readonly [string, Value])[];
  readonly tensors: readonly TensorSpec[];
  readonly tensorCount?: number | bigint;
  readonly keyCount?: number | bigint;
}

class Writer {
  readonly parts: Buffer[] = [];
  size = 0;
  add(bytes: Buffer): void {
    this.parts.push(bytes);
    this.size += bytes.length;
  }
  u32(value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    this.add(bytes);
  }
  u64(value: number | bigint): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    this.add(bytes);
  }
  string(value: string): void {
    const bytes = Buffer.from(value);
    this.u64(bytes.length);
    this.add(bytes);
  }
  float(value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeFloatLE(value);
    this.add(bytes);
  }
  pad(alignment: number): void {
    this.add(Buffer.alloc((alignment - (this.size % alignment)) % alignment));
  }
}

function writeValue(writer: Writer, { type, value }: Value): void {
  switch (type) {
    case 'string':
      writer.u32(VALUE.string);
      return writer.string(value);
    case 'uint32':
      writer.u32(VALUE.uint32);
      return writer.u32(value);
    case 'int32':
      writer.u32(VALUE.int32);
      return writer.u32(value >>> 0);
    case 'float32':
      writer.u32(VALUE.float32);
      return writer.float(value);
    case 'uint64':
      writer.u32(VALUE.uint64);
      return writer.u64(value);
    case 'bool':
      writer.u32(VALUE.bool);
      return writer.add(Buffer.from([value]));
    case 'strings':
      writer.u32(VALUE.array);
      writer.u32(VALUE.string);
      writer.u64(value.length);
      for (const text of value) writer.string(text);
      return;
    case 'float32s':
    case 'int32s':
      writer.u32(VALUE.array);
      writer.u32(type === 'float32s' ? VALUE.float32 : VALUE.int32);
      writer.u64(value.length);
      for (const number of value) {
        if (type === 'float32s') writer.float(number);
        else writer.u32(number >>> 0);
      }
  }
}

const sizeOf = ({ dims, type = 'F32' }: TensorSpec): number => {
  const [, elements, bytes] = [...TENSOR_TYPES.values()].find(([name]) => name === type)!;
  return (dims.reduce((product, dim) => product * dim, 1) / elements) * bytes;
};

export function buildGguf({ version = 3, keys, tensors, tensorCount, keyCount }: GgufSpec): Uint8Array {
  const writer = new Writer();
  writer.add(Buffer.from('GGUF'));
  writer.u32(version);
  writer.u64(tensorCount ?? tensors.length);
  writer.u64(keyCount ?? keys.length);
  for (const [key, value] of keys) {
    writer.string(key);
    writeValue(writer, value);
  }
  let next = 0;
  for (const tensor of tensors) {
    writer.string(tensor.name);
    writer.u32(tensor.dims.length);
    for (const dim of tensor.dims) writer.u64(dim);
    writer.u32([...TENSOR_TYPES].find(([, [name]]) => name === (tensor.type ?? 'F32'))![0]);
    writer.u64(tensor.offset ?? next);
    next = Math.ceil((next + sizeOf(tensor)) / 32) * 32;
  }
  for (const tensor of tensors) {
    writer.pad(32);
    const fill = tensor.fill ?? 1;
    writer.add(typeof fill === 'number' ? Buffer.alloc(sizeOf(tensor), fill) : Buffer.from(fill));
  }
  return new Uint8Array(Buffer.concat(writer.parts));
}

/** The keys of a small model; pairs in `more` are put behind, or in the place of those of the same key. */
export function modelKeys(more: readonly (readonly [string, Value])[] = []): (readonly [string, Value])[] {
  const tokens = ['<s>', '</s>', 'a', 'b', 'c'];
  const usual: (readonly [string, Value])[] = [
    ['general.architecture', { type: 'string', value: 'llama' }],
    ['general.name', { type: 'string', value: 'small' }],
    ['general.file_type', { type: 'uint32', value: 1 }],
    ['llama.context_length', { type: 'uint32', value: 256 }],
    ['llama.block_count', { type: 'uint32', value: 1 }],
    ['tokenizer.ggml.model', { type: 'string', value: 'gpt2' }],
    ['tokenizer.ggml.tokens', { type: 'strings', value: tokens }],
    ['tokenizer.ggml.scores', { type: 'float32s', value: tokens.map(() => 0) }],
    ['tokenizer.ggml.token_type', { type: 'int32s', value: tokens.map(() => 1) }],
    ['tokenizer.ggml.bos_token_id', { type: 'uint32', value: 0 }],
    ['tokenizer.ggml.eos_token_id', { type: 'uint32', value: 1 }],
  ];
  const given = new Map(more);
  const kept = usual.map(([key, value]): readonly [string, Value] => [key, given.get(key) ?? value]);
  const names = new Set(usual.map(([key]) => key));
  return [...kept, ...more.filter(([key]) => !names.has(key))];
}

export const smallModel = (): GgufSpec => ({
  keys: modelKeys(),
  tensors: [
    { name: 'token_embd.weight', dims: [32, 5], type: 'F16' },
    { name: 'blk.0.attn_norm.weight', dims: [33] },
    { name: 'blk.0.attn_q.weight', dims: [32, 32], type: 'Q8_0' },
    { name: 'output.weight', dims: [32, 5], type: 'F16' },
  ],
});
