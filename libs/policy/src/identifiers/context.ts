import type { FoldedText, Span } from '../model.ts';

// The word that announces a number: most identifiers are digits, and so are doses, accession numbers and dates. What stands
// right before decides. All of it is read in one slice of a fixed length, so that a match depends on nothing further away.

/** Characters before a match that may announce it. */
export const LOOK_BACK = 48;

const plain = (text: string): string =>
  text
    .normalize('NFD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase();

/** In small letters, without accents. A word that the slice cuts is left out. */
export const lookBack = ({ folded }: FoldedText, at: number): string => {
  const slice = folded.slice(Math.max(0, at - LOOK_BACK), at);
  return plain(slice.length === LOOK_BACK ? slice.replace(/^[\p{L}\p{M}\p{N}]+/u, '') : slice);
};

export const withoutAccents = plain;

/** Whether the text that `lookBack` gave ends in one of the words and no more than a short gap. */
export type Announcing = (before: string) => boolean;

/**
 * `words` are alternatives, a line each for a language, of an expression over small letters without accents; `fillers` may stand between a word and the
 * number (`is`, `no`), up to four of them. Letters that are neither announce something else.
 */
export const announcedBy = (words: readonly string[], fillers: readonly string[]): Announcing => {
  const between = String.raw`[^\p{L}\p{N}!?;]{0,5}`;
  const pattern = new RegExp(
    String.raw`(?:^|[^\p{L}\p{N}])(?:${words.join('|')})(?:${between}(?:${fillers.join('|')})(?![\p{L}\p{N}])){0,4}${between}$`,
    'u',
  );
  return (before) => pattern.test(before);
};

/** The same with any letters between: for a number whose check digits say enough, or for what a number is not. */
export const mentionedBefore = (words: readonly string[]): Announcing => {
  const pattern = new RegExp(String.raw`(?:^|[^\p{L}\p{N}])(?:${words.join('|')})[^\p{N}\n!?;]{0,24}$`, 'u');
  return (before) => pattern.test(before);
};

const isWordLike = (character: string | undefined): boolean =>
  character !== undefined && /[\p{L}\p{N}_]/u.test(character);

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
