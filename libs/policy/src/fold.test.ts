import { describe, expect, it } from 'vitest';
import { fold, folded, foldedFrom, openFolding } from './fold.ts';

const circumstances = { today: '2026-03-01', language: 'en' };
const of = (text: string) => fold(text, circumstances);

describe('the folded form of a text', () => {
  it.each([
    ['Take 5 mg, BP 120/80.', 'Take 5 mg, BP 120/80.'],
    ['größer als 5 °C', 'grosser als 5 °C'],
    ['Là-bas, ÇA brûle : cœur', 'La-bas, CA brule : coeur'],
    ['e\u0301te\u0301 n\u0338e\u20D2r\u0489ve', 'ete nerve'],
    ['ё й ά ώ', 'e и a ω'],
    ['Łódź, Ørsted, đau', 'Lodz, Orsted, dau'],
    ['ᏚᎢᎡᎾᎬ հօսո', 'STRᎾE houn'],
    ['≠ 5, ≤ 3', '≠ 5, ≤ 3'],
    ['नमस्ते, مُحَمَّد, が, 가슴', 'नमस्ते, مُحَمَّد, が, 가슴'],
    ['ｍｒｎ：１２', 'mrn:12'],
    ['pаsswоrd', 'password'],
    ['ΜRΝ', 'MRN'],
    ['M\u200BR\u00ADN\uFE0F', 'MRN'],
    ['5 ㎎', '5 mg'],
    ['x\u{1D5BA}', 'xa'],
    ['5 µg', '5 μg'],
    ['٤١١١ ۴ ४ ๔ 𞥔 𑁮', '4111 4 4 4 4 8'],
    ['K 4·1, 4⋅1', 'K 4.1, 4.1'],
    ['chest\u3164pain\uFFA0and\u2800more', 'chest pain and more'],
    ['can’t, can´t', "can't, can't"],
    ['“5–10 mg” at −20 °C', '"5-10 mg" at -20 °C'],
  ])('reads %s as %s', (text, expected) => {
    expect(of(text).folded).toBe(expected);
    expect(folded(text)).toBe(expected);
  });

  it('is its own folded form', () => {
    for (let code = 0x80; code < 0x20000; code += 1) {
      const plain = folded(String.fromCodePoint(code));
      expect(folded(plain), code.toString(16)).toBe(plain);
    }
  });

  it('has the digits of every script by their value', () => {
    const digits = new Map<number, string>();
    for (let code = 0x80; code < 0x20000; code += 1) {
      const digit = String.fromCodePoint(code);
      if (/\p{Nd}/u.test(digit)) digits.set(code, folded(digit));
    }
    const values = [...digits.values()].join('');
    expect(values).toBe('0123456789'.repeat(values.length / 10));
  });

  it('is the same of a letter with its accent in one code point and in two', () => {
    for (let code = 0xc0; code < 0x2000; code += 1) {
      const letter = String.fromCodePoint(code);
      const [base = '', ...marks] = letter.normalize('NFD');
      if (marks.length > 0 && marks.every((mark) => mark >= '\u0300' && mark <= '\u036F') && /\p{L}/u.test(letter))
        expect(folded(letter), code.toString(16)).toBe(folded(base));
    }
  });

  it('leads back over the accents of a letter, and not over what stands by itself', () => {
    const { folded: plain, origin, originEnd } = of('ae\u0301\u0308\u200Bb\u200B\u0301c');
    expect(plain).toBe('aebc');
    expect(Array.from(origin)).toEqual([0, 1, 5, 8, 9]);
    expect(Array.from(originEnd).slice(0, 4)).toEqual([1, 4, 6, 9]);
  });

  it('of a text that comes in parts, and is forgotten in parts, is that of the whole', () => {
    const text = 'e\u0301 of ㎎\u0301😀ß and so on, é\u200B\u0308; '.repeat(40);
    const points = Array.from(text);
    const whole = of(text);
    for (const size of [1, 2, 3, 7, 50]) {
      const folding = openFolding(1);
      let forgotten = 0;
      for (let at = 0; at < points.length; at += size) {
        folding.add(points.slice(at, at + size).join(''));
        const part = folding.read();
        if (part.folded.length <= 20) continue;
        for (let unit = 0; unit + 1 < part.folded.length; unit += 1) {
          expect(part.folded[unit]).toBe(whole.folded[forgotten + unit]);
          expect(part.origin[unit]).toBe(whole.origin[forgotten + unit]);
          expect(part.originEnd[unit]).toBe(whole.originEnd[forgotten + unit]);
        }
        folding.forget(part.folded.length - 5);
        forgotten += part.folded.length - 5;
      }
      expect(Array.from(folding.read().origin).at(-1)).toBe(text.length);
    }
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
