import type { FoldedText, Span } from '../model.ts';

// The word that announces a number: most identifiers are digits, and so are doses, accession numbers and dates. What stands
// right before decides. All of it is read in one slice of a fixed length, so that a match depends on nothing further away.

/** Characters before a match that may announce it. */
export const LOOK_BACK = 48;

const isAscii = (text: string): boolean => !/[\u0080-\uFFFF]/.test(text);

export const withoutAccents = (text: string): string =>
  (isAscii(text) ? text : text.normalize('NFD').replace(/\p{M}+/gu, '')).toLowerCase();

/** The whole text in small letters, without accents: for `couldHold`. Every recogniser of a policy reads the same text so. */
export const wholeWithoutAccents = ({ folded, readings }: FoldedText): string =>
  (readings.plain ??= withoutAccents(folded));

/** In small letters, without accents. A word that the slice cuts is left out. */
export const lookBack = ({ folded }: FoldedText, at: number): string => {
  const slice = folded.slice(Math.max(0, at - LOOK_BACK), at);
  return withoutAccents(slice.length === LOOK_BACK ? slice.replace(/^[\p{L}\p{M}\p{N}]+/u, '') : slice);
};

/** What must stand before a number for it to be one of a kind. */
export interface Announcing {
  /** Of what `lookBack` gives. */
  holds(before: string): boolean;
  /** Whether it could hold anywhere in a text (`withoutAccents`): most texts name nothing, and need not be looked at. */
  couldHold(text: string): boolean;
}

const announcing = (words: readonly string[], gap: string): Announcing => {
  const anyWord = `(?:${words.join('|')})`;
  const right = new RegExp(String.raw`(?:^|[^\p{L}\p{N}])${anyWord}${gap}$`, 'u');
  const anywhere = new RegExp(anyWord, 'u');
  return { holds: (before) => right.test(before), couldHold: (text) => anywhere.test(text) };
};

/**
 * `words` are alternatives, a line each for a language, of an expression over small letters without accents; `fillers` may stand
 * between a word and the number (`is`, `no`), up to four of them. Letters that are neither announce something else.
 */
export const announcedBy = (words: readonly string[], fillers: readonly string[]): Announcing => {
  const between = String.raw`[^\p{L}\p{N}!?;]{0,5}`;
  return announcing(words, String.raw`(?:${between}(?:${fillers.join('|')})(?![\p{L}\p{N}])){0,4}${between}`);
};

/** The same with any letters between: for a number whose check digits say enough, or for what a number is not. */
export const mentionedBefore = (words: readonly string[]): Announcing =>
  announcing(words, String.raw`[^\p{N}\n!?;]{0,24}`);

export const ANYWHERE: Announcing = { holds: () => true, couldHold: () => true };

// Asked for each digit of a text: so the common characters without an expression.
const isWordLike = (character: string | undefined): boolean => {
  if (character === undefined || character === ' ') return false;
  if (character > '\u007F') return /[\p{L}\p{N}]/u.test(character);
  return (
    (character >= '0' && character <= '9') ||
    (character >= 'a' && character <= 'z') ||
    (character >= 'A' && character <= 'Z') ||
    character === '_'
  );
};

const isDigit = (character: string | undefined): boolean =>
  character !== undefined && character >= '0' && character <= '9';

/** Whether a number may begin at `at`: not within a word, nor after the first part of `3.25` or `12/05`. */
export const beginsAt = (folded: string, at: number): boolean => {
  const before = folded[at - 1];
  if (isWordLike(before)) return false;
  return !(before !== undefined && '.,/-:'.includes(before) && isDigit(folded[at - 2]));
};

/** Whether a number may end before `end`: not within a word, nor before the second part of `3.25`. */
export const endsAt = (folded: string, end: number): boolean => {
  const next = folded[end];
  if (isWordLike(next)) return false;
  return !(next !== undefined && '.,/-:'.includes(next) && isDigit(folded[end + 1]));
};

/** A stretch of the folded text, in the original. */
export const spanOf = ({ origin, originEnd }: FoldedText, start: number, end: number): Span => ({
  start: origin[start] ?? 0,
  end: originEnd[end - 1] ?? 0,
});
