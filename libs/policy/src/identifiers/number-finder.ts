import type { Finder, FoldedText, Span } from '../model.ts';
import { type Announcing, beginsAt, endsAt, LOOK_BACK, lookBack, spanOf, wholeWithoutAccents } from './context.ts';

/** One way in which a number is given out, and written. */
export interface NumberFormat {
  /**
   * Sticky expressions, the longest first, each of bounded length and without a choice that could be undone: so each place of a
   * text costs a constant.
   */
  readonly forms: readonly RegExp[];
  /** Of the letters and digits alone. */
  readonly isValid: (compact: string) => boolean;
  /** What must stand before it. */
  readonly announcing: Announcing;
}

/** Characters of the longest form that a number has here: 19 digits, and a separator between any two. */
export const LONGEST_NUMBER = 37;

/** A longer form that was tried and failed reaches as far behind a shorter one, and two characters more say where a number ends. */
const BEHIND = 8;

const matchAt = (text: FoldedText, at: number, formats: readonly NumberFormat[]): number | null => {
  let before: string | null = null;
  for (const { forms, isValid, announcing } of formats)
    for (const form of forms) {
      form.lastIndex = at;
      const found = form.exec(text.folded)?.[0];
      if (found === undefined || !endsAt(text.folded, at + found.length)) continue;
      if (!isValid(found.replace(/[^\p{L}\p{N}]/gu, ''))) continue;
      before ??= lookBack(text, at);
      if (announcing.holds(before)) return at + found.length;
    }
  return null;
};

/** What a number may begin with: a digit, or as many letters as a format has before its first. */
const ANY_START = /\d|[A-Za-z](?:[ -]?\d|[A-Za-z]{5}\d)/g;

/** How the shortest of some numbers is known from afar: so many digits, and what may stand between two. */
export interface Digits {
  readonly fewest: number;
  readonly between: string;
}

/**
 * Finds numbers in any of the formats, each of which has at least these digits; where two begin at one place, the earlier format
 * counts. Most texts have no such digits, and are read no further.
 */
export const numberFinder = (
  formats: readonly NumberFormat[],
  { fewest, between }: Digits,
  start: RegExp = ANY_START,
): Finder => {
  const enough = new RegExp(String.raw`\d(?:${between}\d){${fewest - 1}}`);
  return {
    longest: LONGEST_NUMBER,
    before: LOOK_BACK,
    after: BEHIND,
    sign: {
      kind: 'look',
      couldHold: (text) => enough.test(text.folded) && possibleIn(text, formats).length > 0,
    },
    find: (text) => findNumbers(text, formats, start),
  };
};

const possibleIn = (text: FoldedText, formats: readonly NumberFormat[]): readonly NumberFormat[] => {
  const named = wholeWithoutAccents(text);
  return formats.filter(({ announcing }) => announcing.couldHold(named));
};

const findNumbers = (text: FoldedText, formats: readonly NumberFormat[], start: RegExp): readonly Span[] => {
  const spans: Span[] = [];
  const possible = possibleIn(text, formats);
  const starts = new RegExp(start);
  starts.lastIndex = text.from;
  for (let next = starts.exec(text.folded); next !== null; next = starts.exec(text.folded)) {
    const end = beginsAt(text.folded, next.index) ? matchAt(text, next.index, possible) : null;
    starts.lastIndex = end ?? next.index + 1;
    if (end === null) continue;
    spans.push(spanOf(text, next.index, end));
  }
  return spans;
};
