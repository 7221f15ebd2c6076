import type { FoldedText } from './model.ts';
import { hasHoles, MOST_PARTS, standingFor, textWords } from './words.ts';

/** What stands in a table for the words of a text from a folded offset on, as `words.ts` reads them; it may be more, never less. */
export type WordTable<T> = (text: FoldedText, from?: number) => readonly T[];

/**
 * Nearly no word of a text is one of the table's, and most are told apart by their first letter and their length, without being cut
 * out. Where that cannot tell (letters beyond ASCII, marks that are not seen), the words are read.
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
      if (known !== 0) lookUp(folded, at, end, known, found);
    }
    return hasHoles(text) ? read(text) : found;
  };
  function lookUp(folded: string, start: number, end: number, known: number, found: T[]): void {
    const isJoined = isApostrophe(folded.charCodeAt(end));
    if (!isJoined && (known & bitOf(end - start)) === 0) return;
    for (const word of isJoined ? joinedAt(folded, start, end) : [folded.slice(start, end)]) {
      const value = table.get(word.toLowerCase());
      if (value !== undefined) found.push(value);
    }
  }
}

/** A word, and as it is longer by one part each time that an apostrophe joins to it. */
function joinedAt(text: string, start: number, end: number): readonly string[] {
  const words = [text.slice(start, end)];
  for (let at = end; words.length < MOST_PARTS;) {
    const from = at + (isApostrophe(text.charCodeAt(at + 1)) ? 2 : 1);
    if (!isApostrophe(text.charCodeAt(at)) || IN_WORDS[text.charCodeAt(from)] !== 1) break;
    at = endOfWord(text, from);
    words.push((words.at(-1) ?? '') + text.slice(from, at));
  }
  return words;
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
