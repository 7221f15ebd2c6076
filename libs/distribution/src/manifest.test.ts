import { canonicalJson, CHUNK_SIZE, digestOfBytes, Refusal } from '@openward/contracts';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { chunkStarts, cutFile } from './chunking.ts';
import { buildGguf, modelKeys, smallModel, type TensorSpec, type Value } from './gguf-builder.fixture.ts';
import { parseGguf } from './gguf.ts';
import {
  type BuiltArtifact,
  describeArtifact,
  groupIntoLists,
  parseList,
  parseManifest,
  readLayout,
} from './manifest.ts';
import type { ByteSource } from './ports.ts';

// Real disks, and machines with other work to do.
vi.setConfig({ testTimeout: 60_000 });

const sourceOf = (bytes: Uint8Array): ByteSource => ({
  size: bytes.length,
  read: async (offset, length) => bytes.subarray(offset, offset + length),
});
const noise = (length: number, seed: number): Uint8Array => {
  const words = new Uint32Array(Math.ceil(length / 4));
  let x = seed * 2_654_435_761 + 1;
  for (let i = 0; i < words.length; i += 1) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    words[i] = x;
  }
  return new Uint8Array(words.buffer, 0, length);
};
const piecesOf = (built: BuiltArtifact): Map<string, number> =>
  new Map([
    ...built.layout.chunks.map(({ digest, size }): [string, number] => [digest, size]),
    ...[built.manifest, ...built.lists].map(({ digest, bytes }): [string, number] => [digest, bytes.length]),
  ]);
const newBytes = (from: BuiltArtifact, to: BuiltArtifact): number => {
  const had = piecesOf(from);
  return [...piecesOf(to)].reduce((sum, [digest, size]) => sum + (had.has(digest) ? 0 : size), 0);
};

/** 96 tensors as a model has them: large ones, with a small one behind every third. */
const TENSORS: TensorSpec[] = Array.from({ length: 96 }, (_, i) =>
  i % 4 === 3
    ? { name: `blk.0.${i}.norm`, dims: [1024] }
    : { name: `blk.0.${i}.weight`, dims: [512, 400], type: 'F16' },
);
const bytesOf = ({ dims, type }: TensorSpec): number => dims.reduce((a, b) => a * b, 1) * (type === 'F16' ? 2 : 4);
const model = (changed: ReadonlySet<number>, more: [string, Value][] = []): Uint8Array => {
  const tokens = Array.from({ length: 32_000 }, (_, i) => `token${i}`);
  const tensors = TENSORS.map((spec, i) => ({
    ...spec,
    fill: noise(bytesOf(spec), changed.has(i) ? i + 1000 : i + 1),
  }));
  const vocabulary: [string, Value][] = [
    ['tokenizer.ggml.tokens', { type: 'strings', value: tokens }],
    ['tokenizer.ggml.scores', { type: 'float32s', value: tokens.map(() => 0) }],
    ['tokenizer.ggml.token_type', { type: 'int32s', value: tokens.map(() => 1) }],
  ];
  return buildGguf({ keys: modelKeys([...vocabulary, ...more]), tensors });
};

describe('D2 cuts', () => {
  it('cover the file, never span the start of a tensor, and are at most a chunk', () => {
    const bytes = model(new Set());
    const gguf = parseGguf(bytes);
    const cuts = [...cutFile(bytes.length, gguf)];
    let next = 0;
    for (const { offset, size } of cuts) {
      expect(offset).toBe(next);
      expect(size).toBeLessThanOrEqual(CHUNK_SIZE);
      next += size;
    }
    expect(next).toBe(bytes.length);
    const starts = new Set(cuts.map((cut) => cut.offset));
    for (const tensor of gguf.tensors) expect(starts.has(tensor.offset)).toBe(true);
    expect(starts.has(gguf.headerCuts.at(-1)!)).toBe(true);
  });

  it('of what is no model are plain', () => {
    expect([...cutFile(CHUNK_SIZE * 2 + 1)]).toEqual([
      { offset: 0, size: CHUNK_SIZE },
      { offset: CHUNK_SIZE, size: CHUNK_SIZE },
      { offset: CHUNK_SIZE * 2, size: 1 },
    ]);
  });

  it('are as many as needed and no more for any places of tensors', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(2_000_000), { maxLength: 20 }),
        fc.integer({ min: 1, max: 2_000_000 }),
        (places, size) => {
          const gguf = { ...parseGguf(buildGguf(smallModel())), headerCuts: places, tensors: [] };
          const starts = chunkStarts(gguf, size);
          const total = [...cutFile(size, gguf)].reduce((sum, cut) => sum + cut.size, 0);
          expect(total).toBe(size);
          expect(starts).toEqual([...new Set(starts)].toSorted((a, b) => a - b));
        },
      ),
    );
  });
});

describe('D2 an update of a fine-tune', () => {
  it.each([
    ['12 of 96 tensors', new Set([1, 9, 17, 25, 33, 41, 49, 57, 65, 73, 81, 89])],
    ['4 of 96 tensors', new Set([20, 40, 60, 80])],
  ])('that changes %s while its header grows brings at most 1.02 times the changed bytes', async (_, changed) => {
    const { brought, changedBytes } = await update(changed);
    expect(brought).toBeLessThanOrEqual(1.02 * changedBytes);
  });

  it('that changes the norms alone brings them and the list, which for so little is more than that', async () => {
    const norms = new Set([...TENSORS.keys()].filter((i) => i % 4 === 3));
    const { brought, changedBytes, listBytes } = await update(norms);
    expect(brought).toBe(changedBytes + listBytes);
  });

  async function update(
    changed: ReadonlySet<number>,
  ): Promise<Record<'brought' | 'changedBytes' | 'listBytes', number>> {
    const before = await describeArtifact(sourceOf(model(new Set())), 'gguf');
    const grown = model(changed, [
      ['general.name', { type: 'string', value: `a longer name ${'x'.repeat(3000)}` }],
      ['general.description', { type: 'string', value: 'what this tune is for '.repeat(40) }],
    ]);
    const after = await describeArtifact(sourceOf(grown), 'gguf');
    // Of the header: what stands before the vocabulary and behind its arrays, to the first tensor.
    const { headerCuts, dataOffset } = parseGguf(grown);
    const header = [...cutFile(grown.length, parseGguf(grown))].filter(
      ({ offset }) => offset === 0 || offset === headerCuts.at(-1) || (offset > headerCuts[0]! && offset < dataOffset),
    );
    const had = new Set(before.layout.chunks.map((chunk) => chunk.digest));
    const changedHeader = header
      .filter(({ offset, size }) => !had.has(digestOfBytes(grown.subarray(offset, offset + size))))
      .reduce((sum, { size }) => sum + size, 0);
    return {
      brought: newBytes(before, after),
      changedBytes: [...changed].reduce((sum, i) => sum + bytesOf(TENSORS[i]!), changedHeader),
      listBytes: [...after.lists, after.manifest].reduce((sum, piece) => sum + piece.bytes.length, 0),
    };
  }
});

describe('D2 a manifest', () => {
  const built = (): Promise<BuiltArtifact> => describeArtifact(sourceOf(model(new Set())), 'gguf');

  it('is read back as it was built, with all digests and sums checked', async () => {
    const { layout, manifest, lists } = await built();
    const pieces = new Map([manifest, ...lists].map((piece) => [piece.digest, piece.bytes]));
    expect(await readLayout(layout.digest, async (digest) => pieces.get(digest))).toEqual(layout);
    pieces.delete(lists[0]!.digest);
    expect(await readLayout(layout.digest, async (digest) => pieces.get(digest))).toEqual({
      missing: lists[0]!.digest,
    });
  });

  it('is the same for the same bytes, and another for a byte more', async () => {
    const bytes = model(new Set());
    const [a, b, c] = await Promise.all([
      built(),
      built(),
      describeArtifact(sourceOf(Buffer.concat([bytes, Buffer.of(0)])), 'gguf'),
    ]);
    expect(a.manifest.digest).toBe(b.manifest.digest);
    expect(c.manifest.digest).not.toBe(a.manifest.digest);
    expect(a.layout.manifest.file).toBe(digestOfBytes(bytes));
  });

  it('is refused with other bytes, other sums, or a form of its own', async () => {
    const { manifest, lists, layout } = await built();
    const bytesOfJson = (value: unknown): Uint8Array => new TextEncoder().encode(canonicalJson(value));
    const sealed = (bytes: Uint8Array): [string, Uint8Array] => [digestOfBytes(bytes), bytes];
    expect(() => parseManifest(manifest.digest, manifest.bytes.subarray(1))).toThrow('has bytes of the digest');
    expect(() => parseManifest(...sealed(bytesOfJson({ ...layout.manifest, size: layout.manifest.size + 1 })))).toThrow(
      'and its file',
    );
    expect(() => parseManifest(...sealed(bytesOfJson({ ...layout.manifest, lists: [] })))).toThrow('not in the form');
    expect(() => parseManifest(...sealed(Buffer.from('{"v":1')))).toThrow('not JSON');
    expect(() => parseManifest(...sealed(Buffer.alloc(600_000, ' ')))).toThrow('the most');
    const [first] = layout.manifest.lists;
    expect(parseList(first!, lists[0]!.bytes).length).toBeGreaterThan(0);
    expect(() => parseList({ ...first!, size: first!.size + 1 }, lists[0]!.bytes)).toThrow('not as its manifest says');
    expect(() => parseList({ ...first!, bytes: first!.bytes + 1 }, lists[0]!.bytes)).toThrow(Refusal);
  });

  it('shares its lists with a version that shares its chunks', () => {
    const chunk = (i: number): { digest: string; size: number } => ({ digest: digestOfBytes(`${i}`), size: 1 });
    const before = Array.from({ length: 20_000 }, (_, i) => chunk(i));
    const after = [...before.slice(0, 5000), chunk(-1), ...before.slice(5001, 9000), chunk(-2), ...before.slice(9000)];
    const had = new Set(groupIntoLists(before).map((list) => canonicalJson(list)));
    const lists = groupIntoLists(after);
    expect(lists.flat()).toEqual(after);
    expect(lists.filter((list) => !had.has(canonicalJson(list))).length).toBeLessThanOrEqual(2);
    expect(Math.max(...lists.map((list) => list.length))).toBeLessThanOrEqual(4096);
  });
});
