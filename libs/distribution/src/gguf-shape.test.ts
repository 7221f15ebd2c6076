import { readFileSync } from 'node:fs';
import { Refusal } from '@openward/contracts';
import { describe, expect, it } from 'vitest';
import { buildGguf, modelKeys, type TensorSpec, type Value } from './gguf-builder.fixture.ts';
import { parseGguf } from './gguf.ts';

const DEMO = new URL('../../../deploy/demo/models/triage-nano-1.q8_0.gguf', import.meta.url);
const ATTACK = [0, 1, 3, 7, 255, 65_535, 0x7fff_ffff, 0xffff_ffff];
/** Each with its own value in the demo's model, and the values of the attack that are sound. */
const FIELDS: readonly (readonly [field: string, own: number, sound: readonly number[]])[] = [
  ['block_count', 3, [3]],
  ['embedding_length', 128, []],
  ['feed_forward_length', 352, []],
  ['attention.head_count', 4, []],
  ['attention.head_count_kv', 4, []],
  ['context_length', 512, [1, 3, 7, 255, 65_535]],
  ['rope.dimension_count', 32, []],
  ['vocab_size', 264, []],
];

const refusalOf = (bytes: Uint8Array): Refusal | undefined => {
  try {
    parseGguf(bytes);
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
};

describe("N9 what a header says of a model's shape", () => {
  const demo = readFileSync(DEMO);
  const placeOf = (key: string): number => {
    const start = Buffer.alloc(8);
    start.writeBigUInt64LE(BigInt(key.length));
    return demo.indexOf(Buffer.concat([start, Buffer.from(key)])) + 8 + key.length + 4;
  };

  it.each(FIELDS)('is refused by name where llama.%s is not what the tensors are', (field, own, sound) => {
    const at = placeOf(`llama.${field}`);
    expect(demo.readUInt32LE(at)).toBe(own);
    for (const value of ATTACK.filter((put) => !sound.includes(put))) {
      const bytes = Buffer.from(demo);
      bytes.writeUInt32LE(value, at);
      const refusal = refusalOf(bytes);
      expect(refusal?.code, `${field} = ${value}`).toBe('ggufHostile');
      // Heads that divide nothing may be told of those of keys and values.
      expect(refusal?.message).toContain(field === 'attention.head_count' ? 'llama.attention.head' : `llama.${field}`);
    }
    for (const value of sound) {
      const bytes = Buffer.from(demo);
      bytes.writeUInt32LE(value, at);
      expect(refusalOf(bytes), `${field} = ${value}`).toBeUndefined();
    }
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('is refused with an epsilon of %s', (value) => {
    const bytes = Buffer.from(demo);
    bytes.writeFloatLE(value, placeOf('llama.attention.layer_norm_rms_epsilon'));
    expect(refusalOf(bytes)).toMatchObject({ code: 'ggufHostile' });
  });

  it('is refused where blocks differ, or the model calls itself an adapter', () => {
    const bytes = Buffer.from(demo);
    bytes.write('blk.1.ffn_dawn', bytes.indexOf('blk.1.ffn_down'));
    expect(refusalOf(bytes)?.message).toContain('block 1 has other tensors');
    const keys: [string, Value][] = [
      ['general.type', { type: 'string', value: 'adapter' }],
      ['llama.block_count', { type: 'uint32', value: 0 }],
    ];
    expect(refusalOf(buildGguf({ keys: modelKeys(keys), tensors: [] }))?.message).toContain('llama.block_count');
  });

  it('is refused as a list, where llama has one number', () => {
    const keys = modelKeys([['llama.attention.head_count', { type: 'int32s', value: [0] }]]);
    const tensors: TensorSpec[] = [{ name: 'blk.0.attn_q.weight', dims: [32, 32] }];
    expect(refusalOf(buildGguf({ keys, tensors }))?.message).toContain('a list');
  });
});

describe('N9 the shape of a model of another architecture', () => {
  const other = (fields: Record<string, number>, ...names: string[]): Refusal | undefined => {
    const keys: [string, Value][] = [['general.architecture', { type: 'string', value: 'other' }]];
    for (const [field, value] of Object.entries(fields)) keys.push([`other.${field}`, { type: 'uint32', value }]);
    return refusalOf(buildGguf({ keys, tensors: names.map((name) => ({ name, dims: [32] })) }));
  };

  it('has as many blocks as its tensors are of, which may differ', () => {
    expect(other({ block_count: 3 }, 'blk.0.a', 'blk.1.b', 'blk.2.c')).toBeUndefined();
    expect(other({ block_count: 2 }, 'enc.blk.0.a')).toBeUndefined();
    expect(other({ block_count: 65_535 }, 'blk.0.a')?.message).toContain('other.block_count');
    expect(other({ block_count: 0 })?.message).toContain('other.block_count');
  });

  it('has no heads only where it has no attention', () => {
    expect(other({ 'attention.head_count': 0, feed_forward_length: 0 }, 'blk.0.ssm_in.weight')).toBeUndefined();
    expect(other({ 'attention.head_count': 0 }, 'blk.0.attn_q.weight')?.message).toContain('head_count');
    expect(other({ feed_forward_length: 0 }, 'blk.0.ffn_up.weight')?.message).toContain('feed_forward_length');
    expect(other({ embedding_length: 0 })?.message).toContain('embedding_length');
  });
});
