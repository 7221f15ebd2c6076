/**
 * Makes a small llama with random weights, for tests: a few hundred kilobytes, loaded in a moment, and it babbles letters
 * without an end. Its tokens are the 256 bytes, the marks of the demo's models, two labels and one merge.
 */
import { writeFile } from 'node:fs/promises';

export interface TinyModel {
  readonly seed: number;
  readonly contextLength?: number;
  /** The vocabulary asks for a beginning mark before each prompt. */
  readonly addsBos?: boolean;
  /** More tokens, each with its type as GGUF numbers it: 1 normal, 3 control, 4 user-defined. */
  readonly more?: readonly (readonly [text: string, type: number])[];
}

const WIDTH = 64;
const FEED_FORWARD = 128;
const LAYERS = 2;
const HEADS = 2;
const LORA_RANK = 4;
const MARKS = ['<s>', '</s>', '<sys>', '<usr>', '<ans>'] as const;
const LABELS = ['emergency', 'routine'];
const TOKENS = [...byteLetters(), ...MARKS, ...LABELS, 'Ġt'];
const BOS = 256;
const EOS = 257;

interface Tensor {
  readonly name: string;
  /** As GGUF orders them: the length of a row first. */
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** A base that says letters and spaces only, and never ends by itself. */
export async function writeTinyModel(
  path: string,
  { seed, contextLength = 2048, addsBos = false, more = [] }: TinyModel,
): Promise<void> {
  const random = randomFrom(seed);
  const matrix = (name: string, columns: number, rows: number): Tensor => ({
    name: `${name}.weight`,
    shape: [columns, rows],
    values: Float32Array.from({ length: columns * rows }, () => random() / Math.sqrt(columns)),
  });
  const ones = (name: string): Tensor => ({ name: `${name}.weight`, shape: [WIDTH], values: ofOnes(WIDTH) });
  const tokens = [...TOKENS, ...more.map(([text]) => text)];
  const output = matrix('output', WIDTH, tokens.length);
  for (const [token, text] of tokens.entries()) {
    if (!/^[a-zĠ]$/.test(text)) output.values.fill(0, token * WIDTH, (token + 1) * WIDTH);
  }
  const tensors = [matrix('token_embd', WIDTH, tokens.length), ones('output_norm'), output];
  for (let layer = 0; layer < LAYERS; layer += 1) {
    const block = `blk.${layer}.`;
    tensors.push(ones(`${block}attn_norm`), ones(`${block}ffn_norm`));
    for (const name of ['attn_q', 'attn_k', 'attn_v', 'attn_output']) {
      tensors.push(matrix(block + name, WIDTH, WIDTH));
    }
    tensors.push(matrix(`${block}ffn_gate`, WIDTH, FEED_FORWARD), matrix(`${block}ffn_up`, WIDTH, FEED_FORWARD));
    tensors.push(matrix(`${block}ffn_down`, FEED_FORWARD, WIDTH));
  }
  await writeFile(path, gguf(baseMetadata(contextLength, addsBos, more), tensors));
}

/** An adapter that changes every attention query a lot. */
export async function writeTinyAdapter(path: string, seed: number): Promise<void> {
  const random = randomFrom(seed);
  const part = (name: string, columns: number, rows: number): Tensor => ({
    name,
    shape: [columns, rows],
    values: Float32Array.from({ length: columns * rows }, () => random()),
  });
  const tensors = Array.from({ length: LAYERS }, (_, layer) => [
    part(`blk.${layer}.attn_v.weight.lora_a`, WIDTH, LORA_RANK),
    part(`blk.${layer}.attn_v.weight.lora_b`, LORA_RANK, WIDTH),
  ]).flat();
  const metadata = [
    text('general.architecture', 'llama'),
    text('general.type', 'adapter'),
    text('general.name', 'tiny'),
    text('adapter.type', 'lora'),
    float('adapter.lora.alpha', 8),
  ];
  await writeFile(path, gguf(metadata, tensors));
}

const UINT32 = 4;
const INT32 = 5;
const FLOAT32 = 6;
const BOOL = 7;
const STRING = 8;
const ARRAY = 9;
const ALIGNMENT = 32;

function baseMetadata(contextLength: number, addsBos: boolean, more: NonNullable<TinyModel['more']>): Buffer[] {
  const tokens = [...TOKENS, ...more.map(([text]) => text)];
  const types = [...TOKENS.map(tokenType), ...more.map(([, type]) => type)];
  return [
    text('general.architecture', 'llama'),
    text('general.name', 'tiny'),
    number('general.file_type', 0),
    number('llama.context_length', contextLength),
    number('llama.embedding_length', WIDTH),
    number('llama.block_count', LAYERS),
    number('llama.feed_forward_length', FEED_FORWARD),
    number('llama.attention.head_count', HEADS),
    number('llama.attention.head_count_kv', HEADS),
    float('llama.attention.layer_norm_rms_epsilon', 1e-5),
    float('llama.rope.freq_base', 10_000),
    number('llama.rope.dimension_count', WIDTH / HEADS),
    number('llama.vocab_size', tokens.length),
    text('tokenizer.ggml.model', 'gpt2'),
    text('tokenizer.ggml.pre', 'gpt-2'),
    list('tokenizer.ggml.tokens', STRING, tokens.map(lengthAndBytes)),
    list('tokenizer.ggml.token_type', INT32, types.map(uint32)),
    list('tokenizer.ggml.merges', STRING, [lengthAndBytes('Ġ t')]),
    number('tokenizer.ggml.bos_token_id', BOS),
    number('tokenizer.ggml.eos_token_id', EOS),
    entry('tokenizer.ggml.add_bos_token', BOOL, Buffer.from([addsBos ? 1 : 0])),
    entry('tokenizer.ggml.add_eos_token', BOOL, Buffer.from([0])),
    entry('tokenizer.ggml.add_space_prefix', BOOL, Buffer.from([0])),
  ];
}

const tokenType = (token: string): number => ((MARKS as readonly string[]).includes(token) ? 3 : 1);
const text = (key: string, value: string): Buffer => entry(key, STRING, lengthAndBytes(value));
const number = (key: string, value: number): Buffer => entry(key, UINT32, uint32(value));
const list = (key: string, type: number, items: readonly Buffer[]): Buffer =>
  entry(key, ARRAY, Buffer.concat([uint32(type), uint64(items.length), ...items]));
const entry = (key: string, type: number, value: Buffer): Buffer =>
  Buffer.concat([lengthAndBytes(key), uint32(type), value]);

function float(key: string, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return entry(key, FLOAT32, bytes);
}

function gguf(metadata: readonly Buffer[], tensors: readonly Tensor[]): Buffer {
  let offset = 0;
  const infos: Buffer[] = [];
  const data: Buffer[] = [];
  for (const { name, shape, values } of tensors) {
    infos.push(lengthAndBytes(name), uint32(shape.length), ...shape.map(uint64), uint32(0), uint64(offset));
    const bytes = padded(Buffer.from(values.buffer));
    data.push(bytes);
    offset += bytes.length;
  }
  const counts = [Buffer.from('GGUF'), uint32(3), uint64(tensors.length), uint64(metadata.length)];
  return Buffer.concat([padded(Buffer.concat([...counts, ...metadata, ...infos])), ...data]);
}

const padded = (bytes: Buffer): Buffer =>
  Buffer.concat([bytes, Buffer.alloc((ALIGNMENT - (bytes.length % ALIGNMENT)) % ALIGNMENT)]);

function lengthAndBytes(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint64(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

const ofOnes = (length: number): Float32Array => new Float32Array(length).fill(1);

/** The printable letter that stands for each byte in a gpt2 vocabulary. */
function byteLetters(): string[] {
  let extra = 0;
  const isPlain = (byte: number): boolean => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPlain(byte) ? byte : 256 + extra++));
}

/** Normal numbers from a seed (mulberry32, Box and Muller). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}
