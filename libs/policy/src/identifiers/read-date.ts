import { isCalendarDate, type Day } from './calendar.ts';
import { withoutAccents } from './context.ts';

/** A date at one place of a text: how long it is there, and the days that it may mean. */
export interface ReadDate {
  readonly length: number;
  readonly readings: readonly Day[];
}

/** Months by how their names begin, in the languages of the product; the longest first, where one begins as another does. */
const MONTHS: readonly (readonly [RegExp, number])[] = [
  [/^(?:jan|ene)/, 1],
  [/^(?:fe[bv]|fev)/, 2],
  [/^(?:mar|maerz|mrz)/, 3],
  [/^(?:apr|avr|abr|apl)/, 4],
  [/^(?:may|mai|mei)/, 5],
  [/^(?:juin|jun)/, 6],
  [/^(?:juil|jul)/, 7],
  [/^(?:aug|aou|ago)/, 8],
  [/^(?:sep|set)/, 9],
  [/^(?:o[ck]t|out)/, 10],
  [/^nov/, 11],
  [/^(?:de[cszk]|dic)/, 12],
];

const monthOf = (name: string): number | null => {
  const plain = withoutAccents(name);
  return MONTHS.find(([begins]) => begins.test(plain))?.[1] ?? null;
};

const NAME = String.raw`([\p{L}\p{M}]{3,12})`;
const YEAR_FIRST = /(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?!\d|[-/.]\d)/y;
const COMPACT = /(\d{4})(\d{2})(\d{2})(?!\d|[-/.]\d)/y;
const YEAR_LAST = /(\d{1,2})([-/]|\.? ?)(\d{1,2})(?:\2)(\d{4}|\d{2})(?!\d|[-/.]\d)/y;
const NAMED = new RegExp(
  String.raw`(\d{1,2})(?:st|nd|rd|th|er|o|\.)?[ -](?:de |of |ya )?${NAME}\.?,?[ -](?:de |del )?(\d{4})(?!\d)`,
  'uyi',
);
const NAME_FIRST = new RegExp(String.raw`${NAME}\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})(?!\d)`, 'uyi');

/** Characters of the longest form: `23rd of ` and a name of twelve letters, with `., del ` and a year. */
export const LONGEST_DATE = 36;

// A year of four digits, or three numbers: all forms have the one or the other.
const DATE_LIKE = /\d{4}|\d(?:[-/]|\. ?| )\d{1,2}(?:[-/]|\. ?| )\d{2}/;

/** Whether there could be a date in a text; most have none. */
export const hasDate = (text: string): boolean => DATE_LIKE.test(text);

const at = (form: RegExp, text: string, from: number): RegExpExecArray | null => {
  form.lastIndex = from;
  return form.exec(text);
};

const read = (found: RegExpExecArray, days: readonly (readonly [number, number, number])[]): ReadDate | null => {
  const readings = days
    .filter(([year, month, day]) => isCalendarDate(year, month, day))
    .map(([year, month, day]) => ({ year, month, day }));
  return readings.length === 0 ? null : { length: found[0].length, readings };
};

/** Of two digits: the last hundred years that end today. */
const fullYear = (year: string, today: number): number => {
  if (year.length === 4) return Number(year);
  const inThisCentury = today - (today % 100) + Number(year);
  return inThisCentury > today ? inThisCentury - 100 : inThisCentury;
};

/**
 * The date that begins at `from`. Day before month; where both could be the month, both readings, since nothing says which a
 * clinic means, and for an infant it matters.
 */
export const readDate = (text: string, from: number, thisYear: number): ReadDate | null => {
  if (!/\d/.test(text[from] ?? '')) return readNameFirst(text, from);
  const iso = at(YEAR_FIRST, text, from) ?? at(COMPACT, text, from);
  if (iso !== null) {
    const [year, month, day] = iso.slice(1).filter((part) => /^\d/.test(part));
    return read(iso, [[Number(year), Number(month), Number(day)]]);
  }
  const last = at(YEAR_LAST, text, from);
  if (last !== null && last[2] !== '') {
    const [one, other, year] = [Number(last[1]), Number(last[3]), fullYear(last[4] ?? '', thisYear)];
    const days = [
      [year, other, one] as const,
      ...(one === other || last[2] !== '/' ? [] : [[year, one, other] as const]),
    ];
    return read(last, days);
  }
  const named = at(NAMED, text, from);
  const month = monthOf(named?.[2] ?? '');
  return named === null || month === null ? null : read(named, [[Number(named[3]), month, Number(named[1])]]);
};

const readNameFirst = (text: string, from: number): ReadDate | null => {
  const nameFirst = at(NAME_FIRST, text, from);
  const first = monthOf(nameFirst?.[1] ?? '');
  if (nameFirst === null || first === null) return null;
  return read(nameFirst, [[Number(nameFirst[3]), first, Number(nameFirst[2])]]);
};
