import type { Cursor } from './gguf-cursor.ts';
import type { RawMetadata } from './gguf-metadata.ts';
import { isInteger } from './gguf-types.ts';

// What a header says of the model must be what its tensors are (N9): llama.cpp divides by these numbers, and ends its process
// where they do not fit. Only values that are there are checked; it refuses a model without one that it needs by itself.

/** What of a tensor is compared. */
export interface Shaped {
  readonly name: string;
  readonly dims: readonly number[];
}

/** The most that is taken of each; the largest real models have a tenth, or what llama.cpp has room for. */
const MOST = {
  block_count: 512,
  context_length: 2 ** 27,
  embedding_length: 2 ** 20,
  feed_forward_length: 2 ** 24,
  'attention.head_count': 2 ** 14,
  'attention.head_count_kv': 2 ** 14,
  'attention.key_length': 2 ** 16,
  'attention.value_length': 2 ** 16,
  'rope.dimension_count': 2 ** 16,
  vocab_size: 2 ** 24,
  expert_count: 512,
  expert_used_count: 512,
} as const;
type Field = keyof typeof MOST;

/** Nothing of these is meant where the model has none of the tensors that they measure, as in Mamba. */
const NONE_WITHOUT: Partial<Record<Field, RegExp>> = {
  feed_forward_length: /^blk\.\d+\.ffn_/,
  'attention.head_count': /^blk\.\d+\.attn_(q|k|v|qkv|output)\./,
  'attention.head_count_kv': /^blk\.\d+\.attn_(q|k|v|qkv|output)\./,
  expert_count: /_exps\./,
  expert_used_count: /_exps\./,
};

type Fields = Partial<Record<Field, number>>;

/** Refuses `ggufHostile`, and says which field. */
export function checkShape(cursor: Cursor, raw: RawMetadata, tensors: readonly Shaped[], vocabulary?: number): void {
  const architecture = raw.texts.get('general.architecture') ?? '';
  const refuse = (field: string, why: string): never => {
    cursor.what = `the value of ${architecture}.${field}`;
    throw cursor.hostile(why);
  };
  const fields = boundedFields(raw, architecture, tensors, refuse);
  checkReals(raw, architecture, refuse);
  const { block_count: blocks } = fields;
  if (blocks !== undefined) checkBlocks(blocks, tensors, architecture === 'llama', refuse);
  if (architecture === 'llama') checkLlama(fields, tensors, vocabulary, refuse);
}

type Refuse = (field: string, why: string) => never;

function boundedFields(raw: RawMetadata, architecture: string, tensors: readonly Shaped[], refuse: Refuse): Fields {
  const fields: Fields = {};
  for (const field of Object.keys(MOST) as Field[]) {
    // Some architectures have a value for each block; llama has not.
    if (architecture === 'llama' && raw.arrays.has(`llama.${field}`))
      refuse(field, 'a list, where one number is meant');
    const given = raw.numbers.get(`${architecture}.${field}`);
    if (given === undefined) continue;
    const { type, value } = given;
    if (!isInteger(type)) refuse(field, 'a value that is no whole number');
    const measured = NONE_WITHOUT[field];
    const mayBeNone = measured !== undefined && !tensors.some(({ name }) => measured.test(name));
    if (value === 0 && mayBeNone) continue;
    if (value < 1 || value > MOST[field]) refuse(field, `${value}, where 1 to ${MOST[field]} is meant`);
    fields[field] = value;
  }
  return fields;
}

/** A norm with an epsilon below nothing ends llama.cpp's process; a base that is no number makes every answer none. */
function checkReals(raw: RawMetadata, architecture: string, refuse: Refuse): void {
  const within = (field: string, isMeant: (value: number) => boolean): void => {
    const value = raw.numbers.get(`${architecture}.${field}`)?.value;
    if (value !== undefined && !(Number.isFinite(value) && isMeant(value))) refuse(field, `${value}, which cannot be`);
  };
  for (const kind of ['layer_norm_rms_epsilon', 'layer_norm_epsilon', 'group_norm_epsilon']) {
    within(`attention.${kind}`, (value) => value >= 0 && value < 1);
  }
  within('rope.freq_base', (value) => value > 0);
  within('rope.scaling.factor', (value) => value >= 0);
}

const BLOCK = /^blk\.(0|[1-9]\d{0,5})\.(.+)$/;

/** `isEven`: each block has tensors, and the same ones. Elsewhere blocks may differ, and one may have none. */
function checkBlocks(count: number, tensors: readonly Shaped[], isEven: boolean, refuse: Refuse): void {
  const blocks = new Map<number, string[]>();
  for (const { name } of tensors) {
    const [, index, rest] = BLOCK.exec(name) ?? [];
    if (index === undefined || rest === undefined) continue;
    const names = blocks.get(Number(index));
    if (names === undefined) blocks.set(Number(index), [rest]);
    else names.push(rest);
  }
  if (blocks.size === 0 && !isEven) return;
  const last = Math.max(-1, ...blocks.keys());
  if (last + 1 !== count) refuse('block_count', `${count}, and the tensors are those of ${last + 1} blocks`);
  if (!isEven) return;
  const first = blocks.get(0)?.toSorted().join(' ');
  for (let index = 0; index < count; index += 1) {
    const names = blocks.get(index);
    if (names === undefined) return refuse('block_count', `${count}, and block ${index} has no tensors`);
    if (names.toSorted().join(' ') !== first) refuse('block_count', `block ${index} has other tensors than block 0`);
  }
}

/** The values of a dimension that tensors of these names must have. */
type Rule = readonly [of: RegExp, dim: number, field: Field, meant: number | undefined];

function compare(rules: readonly Rule[], tensors: readonly Shaped[], refuse: Refuse): void {
  for (const { name, dims } of tensors) {
    for (const [of, dim, field, meant] of rules) {
      const is = dims[dim] ?? 1;
      if (meant === undefined || is === meant || !of.test(name)) continue;
      refuse(field, `${meant} by the header, and ${is} in tensor ${name}`);
    }
  }
}

function checkLlama(fields: Fields, tensors: readonly Shaped[], vocabulary: number | undefined, refuse: Refuse): void {
  const {
    embedding_length: width,
    feed_forward_length: inner,
    vocab_size: declared,
    expert_count: experts = 0,
  } = fields;
  if (declared !== undefined && vocabulary !== undefined && declared !== vocabulary) {
    refuse('vocab_size', `${declared}, and there are ${vocabulary} tokens`);
  }
  const used = fields.expert_used_count ?? 0;
  if (used > experts) refuse('expert_used_count', `${used}, and there are ${experts}`);
  compare(
    [
      [/^token_embd\.weight$/, 0, 'embedding_length', width],
      [/\.(attn_[qkv]|ffn_gate|ffn_up)\.weight$/, 0, 'embedding_length', width],
      [/\.(attn_output|ffn_down)\.weight$/, 1, 'embedding_length', width],
      [/^(token_embd|output)\.weight$/, 1, 'vocab_size', vocabulary ?? declared],
      [/\.ffn_(gate|up)(_exps|\.\d+)?\.weight$/, 1, 'feed_forward_length', inner],
      [/\.ffn_down(_exps|\.\d+)?\.weight$/, 0, 'feed_forward_length', inner],
      [/\.ffn_(gate|up|down)_exps\.weight$/, 2, 'expert_count', experts],
    ],
    tensors,
    refuse,
  );
  checkHeads(fields, tensors, refuse);
}

function checkHeads(fields: Fields, tensors: readonly Shaped[], refuse: Refuse): void {
  const width = fields.embedding_length;
  const heads = fields['attention.head_count'];
  // Left out, there are as many of keys and values as of queries.
  const kvHeads = fields['attention.head_count_kv'] ?? heads;
  const divides = (field: Field, part: number | undefined, whole: number | undefined): void => {
    const fits = part === undefined || whole === undefined || whole % part === 0;
    if (!fits) refuse(field, `${part}, which does not divide ${whole}`);
  };
  const keyLength = fields['attention.key_length'];
  if (keyLength === undefined) divides('attention.head_count', heads, width);
  divides('attention.head_count_kv', kvHeads, heads);
  const even = over(width, heads);
  const ofKeys = keyLength ?? even;
  const ofValues = fields['attention.value_length'] ?? even;
  compare(
    [
      [/\.attn_q\.weight$/, 1, 'attention.head_count', times(heads, ofKeys)],
      [/\.attn_k\.weight$/, 1, 'attention.head_count_kv', times(kvHeads, ofKeys)],
      [/\.attn_v\.weight$/, 1, 'attention.head_count_kv', times(kvHeads, ofValues)],
      [/\.attn_output\.weight$/, 0, 'attention.head_count', times(heads, ofValues)],
    ],
    tensors,
    refuse,
  );
  const rotated = fields['rope.dimension_count'];
  if (rotated !== undefined && (rotated % 2 !== 0 || rotated > (ofKeys ?? rotated))) {
    refuse('rope.dimension_count', `${rotated}, where an even number up to ${ofKeys ?? rotated} is meant`);
  }
}

const over = (whole?: number, part?: number): number | undefined =>
  whole === undefined || part === undefined ? undefined : Math.floor(whole / part);
const times = (one?: number, other?: number): number | undefined =>
  one === undefined || other === undefined ? undefined : one * other;
