import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fold } from './fold.ts';
import { wordTable } from './word-table.ts';
import { standingFor, textWords } from './words.ts';

const foldedOf = (text: string) => fold(text, { today: '2026-03-01', language: 'en' });

describe('a table of words', () => {
  it('tells of every word that topics read, and of no other', () => {
    const words = [
      'chest',
      'cant',
      'can',
      't',
      'cantid',
      'idk12t',
      'id',
      'k',
      '12',
      'x'.repeat(31),
      'x'.repeat(40),
      'σας',
      'ünal',
      'боль',
    ];
    const table = new Map(words.map((word) => [word, word]));
    const parts = [
      ...words,
      ...words.map((word) => word.toUpperCase()),
      'Can',
      'a',
      'é',
      'e\u0301',
      'ß',
      '№',
      '\u212A',
    ];
    const marks = [' ', ' ', '.', "'", '’', '`', '-', '_', '\u00AD', '\u200B', '\uD83D', '😀', '\n'];
    const said = fc.array(fc.constantFrom(...parts, ...marks, ' '), { maxLength: 12 }).map((all) => all.join(''));
    const standing = wordTable(table);
    let told = 0;
    fc.assert(
      fc.property(said, (text) => {
        const folded = foldedOf(text);
        const expected = standingFor(textWords(folded), table).map(([word]) => word);
        told += expected.length;
        expect(new Set(standing(folded))).toEqual(new Set(expected));
      }),
      { seed: 3, numRuns: 5_000 },
    );
    expect(told).toBeGreaterThan(1_000);
  });

  it('reads a text as words only where it must', () => {
    const standing = wordTable(new Map([['chest', 1]]));
    const plain = foldedOf("Größer als 1,5 g, don't: cheese");
    expect(standing(plain)).toEqual([]);
    expect(plain.readings.words).toBeNull();
    expect(standing(foldedOf("chest's"))).toEqual([1]);
    expect(standing(foldedOf('болит chest'))).toEqual([1]);
  });
});
