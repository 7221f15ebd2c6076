import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, MAX_POLICY_BYTES } from '@openward/contracts';
import { measureDocument } from './measure.ts';

const codes = (document: unknown): string[] => {
  const measured = measureDocument(document);
  return measured.kind === 'ok' ? [] : measured.findings.map(({ code, where }) => `${code} ${where}`.trim());
};
/** A document whose canonical form has so many bytes. */
const ofBytes = (bytes: number, letter = 'x'): object => ({ a: letter.repeat(bytes - 8) });

describe('the first look at a document', () => {
  it('counts the bytes of the canonical form, to the byte', () => {
    expect(canonicalJson(ofBytes(MAX_POLICY_BYTES))).toHaveLength(MAX_POLICY_BYTES);
    expect(codes(ofBytes(MAX_POLICY_BYTES))).toEqual([]);
    expect(codes(ofBytes(MAX_POLICY_BYTES + 1))).toEqual(['tooLarge']);
    expect(codes(ofBytes(MAX_POLICY_BYTES / 2 + 8, 'é'))).toEqual(['tooLarge']);
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 5 })), (document) => {
        const pad = MAX_POLICY_BYTES - Buffer.byteLength(canonicalJson({ ...document, pad: '' }));
        const unspoilt = codes(document);
        fc.pre(unspoilt.length === 0 && pad > 0);
        expect(codes({ ...document, pad: 'x'.repeat(pad) })).toEqual([]);
        expect(codes({ ...document, pad: 'x'.repeat(pad + 1) })).toEqual(['tooLarge']);
      }),
      { numRuns: 50 },
    );
  });

  it('reads JSON as a text and as bytes', () => {
    expect(measureDocument('{"a":1}')).toEqual({ kind: 'ok', value: { a: 1 } });
    expect(measureDocument(Buffer.from('{"a":1}'))).toEqual({ kind: 'ok', value: { a: 1 } });
    expect(codes('{')).toEqual(['shape']);
    expect(codes('x'.repeat(MAX_POLICY_BYTES + 1))).toEqual(['tooLarge']);
    expect(codes(Buffer.alloc(MAX_POLICY_BYTES + 1))).toEqual(['tooLarge']);
  });

  it.each([
    [null, 'shape'],
    [[], 'shape'],
    [7, 'shape'],
    [undefined, 'shape'],
    [{ a: [1, Number.NaN] }, 'shape a[1]'],
    [{ a: { b: 1n } }, 'shape a.b'],
    [{ a: new Date(0) }, 'shape a'],
    [{ a: [undefined] }, 'shape a[0]'],
    [{ a: '\uD800' }, 'shape a'],
    [{ a: '\0' }, 'shape a'],
    [JSON.parse('{"a":{"__proto__":1}}'), 'shape a'],
    [{ a: Array.from({ length: 4_001 }, () => 0) }, 'tooLarge a'],
    [{ rules: Array.from({ length: 501 }, () => 0) }, 'tooManyRules rules'],
  ])('refuses what is no JSON of a policy, and names the place: %#', (document, code) => {
    expect(codes(document)).toEqual([code]);
  });

  it('follows no document into its depth, nor round in a circle', () => {
    const circle: Record<string, unknown> = {};
    circle['a'] = circle;
    expect(codes(circle)[0]).toMatch(/^tooLarge a\.a/);
    expect(codes(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)[0]).toMatch(/^tooLarge a\[0\]/);
  });
});
