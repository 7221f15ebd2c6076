import { CHUNK_SIZE } from '@openward/contracts';
import type { Gguf } from './gguf.ts';

// Where a file is cut (D2). A fine-tune that changes some tensors should bring their chunks and nothing else, also when its
// header grows and every tensor moves. So each tensor starts a chunk of its own, whatever stands before it:
//
//   header | tensor ............... | tensor | tensor ......... |      a tensor takes the padding behind it with it
//   a  b  c | 128K  128K  128K  rest | small  | 128K  128K  rest |
//
// Small neighbours are not put together into one chunk: a group changes when any of its tensors does, and what it would save
// is requests, of which a model's norms are a few hundred at most. The header, which a new name changes, is cut around its
// large values (the vocabulary and its merges), so that those stay the same.

export interface Cut {
  readonly offset: number;
  readonly size: number;
}

/** Where a chunk must start, besides every `chunkSize` from there: strictly increasing, from 0, inside the file. */
export function chunkStarts(gguf: Gguf | undefined, size: number): number[] {
  if (!gguf) return [0];
  const all = [0, ...gguf.headerCuts, ...gguf.tensors.map((tensor) => tensor.offset)];
  return [...new Set(all)].filter((start) => start < size).toSorted((a, b) => a - b);
}

/** The chunks of a file, in order and without a gap. A file without a GGUF header is cut plainly. */
export function* cutFile(size: number, gguf?: Gguf, chunkSize = CHUNK_SIZE): Generator<Cut> {
  const starts = chunkStarts(gguf, size);
  for (const [i, start] of starts.entries()) {
    const end = starts[i + 1] ?? size;
    for (let offset = start; offset < end; offset += chunkSize) {
      yield { offset, size: Math.min(chunkSize, end - offset) };
    }
  }
}
