import { describe, expect, it } from 'vitest';
import { fold, folded, foldedFrom } from './fold.ts';

const circumstances = { today: '2026-03-01', language: 'en' };
const of = (text: string) => fold(text, circumstances);

describe('the folded form of a text', () => {
  it.each([
    ['Take 5 mg, BP 120/80.', 'Take 5 mg, BP 120/80.'],
    ['größer als 5 °C', 'größer als 5 °C'],
    ['ｍｒｎ：１２', 'mrn:12'],
    ['pаsswоrd', 'password'],
    ['ΜRΝ', 'MRN'],
    ['M\u200BR\u00ADN\uFE0F', 'MRN'],
    ['5 ㎎', '5 mg'],
    ['x\u{1D5BA}', 'xa'],
    ['5 µg', '5 μg'],
    ['can’t, can´t', "can't, can't"],
    ['“5–10 mg” at −20 °C', '"5-10 mg" at -20 °C'],
  ])('reads %s as %s', (text, expected) => {
    expect(of(text).folded).toBe(expected);
    expect(folded(text)).toBe(expected);
  });

  it('never takes micrograms for milligrams', () => {
    for (const text of ['µg', 'μg']) expect(of(text).folded).not.toBe('mg');
  });

  it.each(['plain', 'größer', '5 ㎎\u200B of 😀 ﷺ x', '\uD800x', '😀'.repeat(5_000), ''])(
    'leads back from %j',
    (text) => {
      const { folded: plain, origin, originEnd } = of(text);
      expect(origin[plain.length]).toBe(text.length);
      for (let at = 0; at < plain.length; at += 1) {
        const start = origin[at] ?? -1;
        const end = originEnd[at] ?? -1;
        expect(end).toBeGreaterThan(start);
        expect(end - start).toBe(String.fromCodePoint(text.codePointAt(start) ?? 0).length);
        if (at > 0) expect(start).toBeGreaterThanOrEqual(origin[at - 1] ?? 0);
      }
    },
  );

  it('finds the way from the original, over marks and into what one code point became', () => {
    const text = of('a\u200Bb㎎c');
    expect([0, 1, 2, 3, 4, 5].map((at) => foldedFrom(text, at))).toEqual([0, 1, 1, 2, 4, 5]);
  });

  it('is the same for a text in pieces, each of whole code points', () => {
    const text = 'Ｍ\u200BＲＮ 1㎎ e\u0301 ﷺ';
    expect(Array.from(text, (point) => of(point).folded).join('')).toBe(of(text).folded);
  });
});
