import type { Gguf, GgufTensor } from '@openward/distribution';

// Whether a LoRA adapter can be laid on a base, by their headers alone: the rules by which llama.cpp would refuse it at load.

const SUFFIX_A = '.lora_a';
const SUFFIX_B = '.lora_b';
/** Its two factors are stored the other way round. */
const EMBEDDING = 'token_embd.weight';

const dim = (tensor: GgufTensor, at: number): number => tensor.dims[at] ?? 1;

/** Why it does not fit, or null. */
export function adapterMisfit(adapter: Gguf, base: Gguf): string | null {
  const [a, b] = [adapter.metadata, base.metadata];
  if (b.type === 'adapter') return 'what is named as its base is an adapter itself';
  if (a.architecture !== b.architecture) return `it is for ${a.architecture}, and the base is ${b.architecture}`;
  const ofBase = new Map(base.tensors.map((tensor) => [tensor.name, tensor]));
  const ofAdapter = new Map(adapter.tensors.map((tensor) => [tensor.name, tensor]));
  let pairs = 0;
  for (const tensor of adapter.tensors) {
    if (tensor.name.endsWith(SUFFIX_B)) {
      if (!ofAdapter.has(tensor.name.replace(/b$/, 'a'))) return `${tensor.name} has no ${SUFFIX_A} beside it`;
      continue;
    }
    if (!tensor.name.endsWith(SUFFIX_A)) return `${tensor.name} is no part of an adapter`;
    const name = tensor.name.slice(0, -SUFFIX_A.length);
    const other = ofAdapter.get(`${name}${SUFFIX_B}`);
    if (other === undefined) return `${tensor.name} has no ${SUFFIX_B} beside it`;
    const changed = ofBase.get(name);
    if (changed === undefined) return `the base has no tensor ${name}`;
    const why = pairMisfit(name, tensor, other, changed);
    if (why !== null) return why;
    pairs += 1;
  }
  return pairs === 0 ? 'it changes no tensor' : null;
}

function pairMisfit(name: string, a: GgufTensor, b: GgufTensor, changed: GgufTensor): string | null {
  const fits =
    name === EMBEDDING
      ? dim(changed, 0) === dim(b, 1) && dim(changed, 1) === dim(a, 1)
      : dim(changed, 0) === dim(a, 0) && dim(changed, 1) === dim(b, 1) && dim(a, 1) === dim(b, 0);
  if (fits) return null;
  return `${name} is ${changed.dims.join(' x ')} in the base, and the adapter has ${a.dims.join(' x ')} and ${b.dims.join(' x ')}`;
}
