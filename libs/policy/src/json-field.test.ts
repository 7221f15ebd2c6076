import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withField } from './json-field.ts';

describe('a field added to a JSON object', () => {
  it.each([
    ['{}', '{"note":"N"}'],
    [' { } ', ' { "note":"N"} '],
    ['{"dose":1.50}', '{"dose":1.50,"note":"N"}'],
    ['{"note":null,"a":[{"note":1}]}', '{"note":"N","a":[{"note":1}]}'],
    ['{"a":"}","note":{"b":[1,"]"]},"c":12345678901234567890}', '{"a":"}","note":"N","c":12345678901234567890}'],
    ['{"not\\u0065":1,"b":"\\"note\\":2"}', '{"not\\u0065":"N","b":"\\"note\\":2"}'],
    ['{"note":1,"note":2}', '{"note":"N","note":"N"}'],
  ])('makes of %s %s', (text, expected) => {
    expect(withField(text, 'note', 'N')).toBe(expected);
  });

  it.each(['', '[]', '"a"', 'null', '{', '{"a":1} and more'])('is not added to %s', (text) => {
    expect(withField(text, 'note', 'N')).toBeNull();
  });

  it('leaves every other field as it was', () => {
    const key = fc.constantFrom('note', 'a', '"', '\\', ':', '}', '__proto__');
    const object = fc.dictionary(key, fc.jsonValue(), { noNullPrototype: true });
    fc.assert(
      fc.property(object, fc.string(), fc.constantFrom(undefined, 2), (value, text, indent) => {
        const out = withField(JSON.stringify(value, null, indent), 'note', text);
        const expected: unknown = JSON.parse(JSON.stringify({ ...value, note: text }));
        expect(JSON.parse(out ?? '')).toEqual(expected);
      }),
      { seed: 12, numRuns: 500 },
    );
  });
});
