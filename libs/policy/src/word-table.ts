import type { FoldedText } from './model.ts';
import { hasHoles, standingFor, textWords } from './words.ts';

/** What stands in a table for the words of a text from a folded offset on, as `words.ts` reads them; it may be more, never less. */
export type WordTable<T> = (text: FoldedText, from?: number) => readonly T[];

/**
 * Nearly no word of a text is one of the table's, and most are told apart by their first letter and their length, without being cut
 * out. Where that cannot tell (letters beyond ASCII, an apostrophe behind what may be one, marks that are not seen), the words are
 * read.
 */
export function wordTable<T>(table: ReadonlyMap<string, T>): WordTable<T> {
  const lengths = lengthsByLetter(table.keys());
  const read = (text: FoldedText): readonly T[] => standingFor(textWords(text), table).map(([, value]) => value);
  return (text, from = 0) => {
    const { folded } = text;
    const found: T[] = [];
    for (let at = from, end = from; at < folded.length; at = end) {
      const first = folded.charCodeAt(at);
      if (first >= ASCII) return read(text);
      end = endOfWord(folded, at);
      const known = lengths[first] ?? 0;
      if (known === 0) continue;
      if (isApostrophe(folded.charCodeAt(end))) return read(text);
      const value = (known & bitOf(end - at)) === 0 ? undefined : table.get(folded.slice(at, end).toLowerCase());
      if (value !== undefined) found.push(value);
    }
    return hasHoles(text) ? read(text) : found;
  };
}

const ASCII = 0x80;
const IN_WORDS = Uint8Array.from({ length: ASCII }, (_, code) => Number(/[a-z\d]/i.test(String.fromCharCode(code))));
const isApostrophe = (code: number): boolean => code === 0x27 || code === 0x60;

/** Behind the letters and digits of ASCII that begin at a place; behind what stands there, where it is none. */
function endOfWord(text: string, from: number): number {
  let at = from;
  while (at < text.length && IN_WORDS[text.charCodeAt(at)] === 1) at += 1;
  return at === from ? at + 1 : at;
}

/** All lengths from 31 on have one. */
const bitOf = (length: number): number => 1 << Math.min(length, 31);

/** By the code of a first letter, small or capital, how long the words are that begin with it: a bit each. */
function lengthsByLetter(words: Iterable<string>): Int32Array {
  const lengths = new Int32Array(ASCII);
  for (const word of words)
    for (const first of [word.charCodeAt(0), word.toUpperCase().charCodeAt(0)])
      if (first < ASCII) lengths[first] = (lengths[first] ?? 0) | bitOf(word.length);
  return lengths;
}
