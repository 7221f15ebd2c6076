import type { Gguf, GgufTensor } from '@openward/distribution';
import { expect, it } from 'vitest';
import { adapterMisfit } from './adapter-fit.ts';

const tensor = (name: string, ...dims: number[]): GgufTensor => ({ name, dims, type: 'F16', offset: 0, bytes: 0 });
const gguf = (tensors: GgufTensor[], metadata: Partial<Gguf['metadata']> = {}): Gguf =>
  ({ tensors, metadata: { architecture: 'llama', type: 'model', ...metadata } }) as unknown as Gguf;

const BASE = gguf([tensor('blk.0.attn_q.weight', 128, 96), tensor('token_embd.weight', 128, 260)]);
const lora = (tensors: GgufTensor[], architecture = 'llama'): Gguf => gguf(tensors, { type: 'adapter', architecture });
const Q = 'blk.0.attn_q.weight';

it('an adapter fits whose factors multiply to the shape of what they change', () => {
  expect(adapterMisfit(lora([tensor(`${Q}.lora_a`, 128, 4), tensor(`${Q}.lora_b`, 4, 96)]), BASE)).toBeNull();
  const embedding = lora([tensor('token_embd.weight.lora_a', 4, 260), tensor('token_embd.weight.lora_b', 4, 128)]);
  expect(adapterMisfit(embedding, BASE)).toBeNull();
});

it.each([
  [
    'another architecture',
    lora([tensor(`${Q}.lora_a`, 128, 4), tensor(`${Q}.lora_b`, 4, 96)], 'qwen2'),
    /is for qwen2/,
  ],
  ['another width', lora([tensor(`${Q}.lora_a`, 256, 4), tensor(`${Q}.lora_b`, 4, 96)]), /128 x 96 in the base/],
  ['another rank in each factor', lora([tensor(`${Q}.lora_a`, 128, 4), tensor(`${Q}.lora_b`, 8, 96)]), /8 x 96/],
  [
    'a layer that the base has not',
    lora([tensor('blk.7.attn_q.weight.lora_a', 128, 4), tensor('blk.7.attn_q.weight.lora_b', 4, 96)]),
    /no tensor blk.7/,
  ],
  ['one factor only', lora([tensor(`${Q}.lora_a`, 128, 4)]), /no .lora_b/],
  ['the other factor only', lora([tensor(`${Q}.lora_b`, 4, 96)]), /no .lora_a/],
  ['something else', lora([tensor('output.weight', 4, 96)]), /no part of an adapter/],
  ['nothing', lora([]), /changes no tensor/],
])('an adapter with %s does not fit', (_what, adapter, why) => {
  expect(adapterMisfit(adapter, BASE)).toMatch(why);
});

it('an adapter is no base of another', () => {
  expect(adapterMisfit(lora([]), lora([]))).toMatch(/is an adapter itself/);
});
