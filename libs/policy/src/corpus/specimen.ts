import type { IdentifierKind } from '@openward/contracts';
import type { Day } from '../identifiers/calendar.ts';
import type { Chance } from './chance.ts';

// What the corpus of identifiers is made of. None of it belongs to anybody but by accident: numbers are drawn, names invented.

/** An identifier as it may stand in a text, and one like it that is none. */
export interface Specimen {
  readonly printed: string;
  /** The same with a wrong check digit, or what no issuer gives. */
  readonly broken: string;
  /** Of a date of birth: the day that was meant. */
  readonly day?: Day;
}

export interface Source {
  readonly kind: IdentifierKind;
  readonly name: string;
  /** What announces it, in the languages of those who have it. Empty: nothing need. */
  readonly words: readonly string[];
  draw(chance: Chance): Specimen;
}

export const padded = (value: number, length = 2): string => String(value).padStart(length, '0');

/** In groups of these lengths. */
export const grouped = (compact: string, lengths: readonly number[], separator: string): string => {
  let at = 0;
  return lengths.map((length) => compact.slice(at, (at += length))).join(separator);
};

const DIGITS = '0123456789';

/** Draws until check digits can be put behind that hold; broken has another last character for which they do not. */
export const checked = (
  body: () => string,
  holds: (compact: string) => boolean,
  ends: readonly string[] = Array.from(DIGITS),
): { readonly valid: string; readonly broken: string } => {
  for (;;) {
    const start = body();
    const end = ends.find((it) => holds(start + it));
    const other = ends.find((it) => !holds(start + it));
    if (end !== undefined && other !== undefined) return { valid: start + end, broken: start + other };
  }
};

export const TWO_DIGITS: readonly string[] = Array.from({ length: 100 }, (_, value) => padded(value));
