import { readdirSync, readFileSync } from 'node:fs';
import { Refusal } from '@openward/contracts';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { buildGguf, modelKeys, smallModel } from './gguf-builder.fixture.ts';
import { parseGguf, readGguf, readingGguf } from './gguf.ts';

// Real disks, and machines with other work to do.
vi.setConfig({ testTimeout: 60_000 });

const MODELS = new URL('../../../deploy/demo/models/', import.meta.url);
const demoFiles = readdirSync(MODELS).filter((name) => name.endsWith('.gguf'));

const refusalOf = (bytes: Uint8Array): Refusal => {
  try {
    parseGguf(bytes);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error('the file was taken');
};

const wholeFile = buildGguf(smallModel());
const twentyPlaces = (size: number): number[] =>
  Array.from({ length: 20 }, (_, i) => 1 + Math.floor(((size - 2) * i) / 19));

describe('a GGUF header', () => {
  it('is read with its types, places and sizes', () => {
    const gguf = parseGguf(wholeFile);
    expect(gguf).toMatchObject({ version: 3, alignment: 32 });
    expect(gguf.metadata).toMatchObject({
      architecture: 'llama',
      type: 'model',
      name: 'small',
      contextLength: 256,
      vocabularySize: 5,
      fileType: 1,
      quantisation: 'Q8_0',
    });
    expect(gguf.tensors.map(({ name, type, dims, bytes }) => ({ name, type, dims, bytes }))).toEqual([
      { name: 'token_embd.weight', type: 'F16', dims: [32, 5], bytes: 320 },
      { name: 'blk.0.attn_norm.weight', type: 'F32', dims: [33], bytes: 132 },
      { name: 'blk.0.attn_q.weight', type: 'Q8_0', dims: [32, 32], bytes: 1088 },
      { name: 'output.weight', type: 'F16', dims: [32, 5], bytes: 320 },
    ]);
    const last = gguf.tensors.at(-1)!;
    expect(last.offset + last.bytes).toBe(wholeFile.length);
    expect(gguf.tensors[0]!.offset).toBe(gguf.dataOffset);
  });

  it('is read the same from a file as from memory, whatever the window', async () => {
    const tokens = Array.from({ length: 40_000 }, (_, i) => `token-${i}`);
    const bytes = buildGguf({
      // Without those that have a row for each token.
      tensors: smallModel().tensors.filter(({ name }) => name.startsWith('blk.')),
      keys: modelKeys([
        ['tokenizer.ggml.tokens', { type: 'strings', value: tokens }],
        ['tokenizer.ggml.scores', { type: 'float32s', value: tokens.map(() => 0) }],
        ['tokenizer.ggml.token_type', { type: 'int32s', value: tokens.map(() => 1) }],
      ]),
    });
    const source = { size: bytes.length, read: async (at: number, n: number) => bytes.slice(at, at + n) };
    expect(await readGguf(source)).toEqual(parseGguf(bytes));
    expect(parseGguf(bytes).metadata.vocabularySize).toBe(40_000);
  });

  it.each(demoFiles)('N9 of the demo model %s is taken, and refused when cut at twenty places', (name) => {
    const bytes = readFileSync(new URL(name, MODELS));
    const gguf = parseGguf(bytes);
    const last = gguf.tensors.at(-1)!;
    expect(gguf.metadata.architecture).toBe('llama');
    for (const at of twentyPlaces(last.offset + last.bytes)) {
      expect(refusalOf(bytes.subarray(0, at))).toMatchObject({ code: 'ggufCutShort', details: { endsAt: at } });
    }
  });
});

describe('N9 a file that is not whole', () => {
  it('is refused wherever it is cut, with the byte and what was being read', () => {
    for (let at = 1; at < wholeFile.length; at += 1) {
      const refusal = refusalOf(wholeFile.subarray(0, at));
      expect(refusal.code, `cut at ${at}`).toBe('ggufCutShort');
      expect(refusal.message).toContain(`ends at byte ${at} while`);
    }
    expect(refusalOf(wholeFile.subarray(0, 12)).message).toContain('the count of tensors');
    expect(refusalOf(wholeFile.subarray(0, wholeFile.length - 1)).message).toContain(
      'the data of tensor output.weight',
    );
  });

  it('is told apart from one that is no GGUF', () => {
    expect(refusalOf(new Uint8Array(0)).code).toBe('notGguf');
    expect(refusalOf(Buffer.from('GG')).code).toBe('ggufCutShort');
    expect(refusalOf(Buffer.from('Dear colleague, this is a text file.')).code).toBe('notGguf');
    expect(refusalOf(buildGguf({ ...smallModel(), version: 1 })).code).toBe('notGguf');
    expect(refusalOf(buildGguf({ ...smallModel(), version: 0x0300_0000 })).message).toContain('big-endian');
  });
});

describe('N9 a hostile header is refused', () => {
  const [first, ...rest] = smallModel().tensors;
  const withKeys = (...more: Parameters<typeof modelKeys>[0] & object): Uint8Array =>
    buildGguf({ ...smallModel(), keys: modelKeys(more) });
  const withFirst = (change: object): Uint8Array =>
    buildGguf({ ...smallModel(), tensors: [{ ...first!, ...change }, ...rest] });
  /** Overwrites eight bytes behind the first place where `text` stands. */
  const patched = (text: string, skip: number, value: bigint): Uint8Array => {
    const bytes = Buffer.from(wholeFile);
    bytes.writeBigUInt64LE(value, bytes.indexOf(text) + text.length + skip);
    return bytes;
  };

  it.each<[string, Uint8Array, string]>([
    ['a tensor count of 2^63', buildGguf({ ...smallModel(), tensorCount: 2n ** 63n }), '2^53'],
    ['a tensor count of 2^40', buildGguf({ ...smallModel(), tensorCount: 2 ** 40 }), 'tensors'],
    ['a key count of 2^32', buildGguf({ ...smallModel(), keyCount: 2 ** 32 }), 'keys'],
    ['a string length of 2^64 - 1', patched('general.name', 4, 2n ** 64n - 1n), '2^53'],
    ['a string length of 2^40', patched('general.name', 4, 2n ** 40n), 'string of'],
    ['an array of 2^48 tokens', patched('tokenizer.ggml.tokens', 8, 2n ** 48n), 'elements'],
    ['an array of arrays', patched('tokenizer.ggml.tokens', 4, 9n), 'array inside an array'],
    ['an array of unknown values', patched('tokenizer.ggml.tokens', 4, 77n), 'unknown type 77'],
    ['a value of an unknown type', patched('general.file_type', 0, 13n), 'unknown type 13'],
    ['a tensor offset outside the file', withFirst({ offset: 2n ** 50n }), 'offset'],
    ['a tensor offset that is not aligned', withFirst({ offset: 7 }), 'multiple'],
    [
      'two tensors in one place',
      buildGguf({ ...smallModel(), tensors: [first!, { ...rest[0]!, offset: 0 }] }),
      'next free',
    ],
    ['a dimension of nothing', withFirst({ dims: [32, 0] }), 'dimension of nothing'],
    ['dimensions that overflow', patched('token_embd.weight', 12, 2n ** 52n), 'counted'],
    ['rows that are no whole blocks', patched('blk.0.attn_q.weight', 4, 33n), 'whole blocks'],
    ['five dimensions', withFirst({ dims: [32, 1, 1, 1, 5] }), 'dimensions'],
    ['a tensor twice', buildGguf({ ...smallModel(), tensors: [first!, first!] }), 'second time'],
    ['a name of 64 bytes', withFirst({ name: 'n'.repeat(64) }), 'most'],
    ['a name with a line break', withFirst({ name: 'a\nb' }), 'printable'],
    ['a key twice', buildGguf({ ...smallModel(), keys: [...modelKeys(), modelKeys()[0]!] }), 'second time'],
    ['no architecture', buildGguf({ ...smallModel(), keys: [] }), 'general.architecture'],
    ['an alignment of 24', withKeys(['general.alignment', { type: 'uint32', value: 24 }]), 'power of 2'],
    ['an alignment of nothing', withKeys(['general.alignment', { type: 'uint32', value: 0 }]), 'power of 2'],
    ['a truth value of 2', withKeys(['tokenizer.ggml.add_bos_token', { type: 'bool', value: 2 }]), 'truth'],
    [
      'a beginning outside the vocabulary',
      withKeys(['tokenizer.ggml.bos_token_id', { type: 'uint32', value: 5 }]),
      'tokens',
    ],
    ['an end below nothing', withKeys(['tokenizer.ggml.eos_token_id', { type: 'int32', value: -1 }]), 'no token id'],
    ['fewer scores than tokens', withKeys(['tokenizer.ggml.scores', { type: 'float32s', value: [0] }]), 'for 5 tokens'],
    [
      'more types than tokens',
      withKeys(['tokenizer.ggml.token_type', { type: 'int32s', value: [1, 1, 1, 1, 1, 1] }]),
      'for 5',
    ],
    [
      'tokens that are numbers',
      withKeys(['tokenizer.ggml.tokens', { type: 'int32s', value: [1, 2, 3, 4, 5] }]),
      'strings',
    ],
  ])('for %s', (_, bytes, why) => {
    const refusal = refusalOf(bytes);
    expect(refusal.code).toBe('ggufHostile');
    expect(refusal.message).toContain(why);
    expect(refusal.message).toMatch(/^At byte \d+, in /);
  });

  it('and one part of a split model', () => {
    expect(refusalOf(withKeys(['split.count', { type: 'uint32', value: 3 }])).code).toBe('notGguf');
  });

  it('with memory for a window, not for what is announced', () => {
    const wants: number[] = [];
    const reading = readingGguf(2 ** 45);
    const head = buildGguf({ keys: [], tensors: [], keyCount: 65_536, tensorCount: 65_536 });
    const endless = Buffer.alloc(300 * 1024, head.subarray(0, 24));
    let step = reading.next();
    expect(() => {
      while (!step.done) {
        wants.push(step.value.length);
        step = reading.next(endless.subarray(0, step.value.length));
      }
    }).toThrow(Refusal);
    expect(Math.max(...wants)).toBeLessThanOrEqual(256 * 1024);
  });
});

describe('N9 whatever a file says', () => {
  it('it is taken or refused, within its own bytes and at once', () => {
    const mutation = fc.record({
      at: fc.nat(wholeFile.length - 1),
      bytes: fc.oneof(
        fc.uint8Array({ minLength: 1, maxLength: 9 }),
        fc.constantFrom(new Uint8Array(8).fill(255), new Uint8Array(8), new Uint8Array([0, 0, 0, 0, 0, 0, 0, 128])),
      ),
    });
    const cut = fc.nat(wholeFile.length);
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 6 }), cut, (mutations, end) => {
        const bytes = Uint8Array.from(wholeFile);
        for (const { at, bytes: put } of mutations) bytes.set(put.subarray(0, bytes.length - at), at);
        const given = bytes.subarray(0, end);
        const reading = readingGguf(given.length);
        let steps = 0;
        try {
          let step = reading.next();
          while (!step.done) {
            const { offset, length } = step.value;
            expect(offset + length).toBeLessThanOrEqual(given.length);
            steps += 1;
            step = reading.next(given.subarray(offset, offset + length));
          }
          for (const tensor of step.value.tensors) {
            expect(tensor.offset + tensor.bytes).toBeLessThanOrEqual(given.length);
          }
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          expect(['notGguf', 'ggufCutShort', 'ggufHostile']).toContain(error.code);
        }
        expect(steps).toBeLessThan(50);
      }),
      { numRuns: 3000 },
    );
  });
});
