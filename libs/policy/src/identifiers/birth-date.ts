import type { Finder, FoldedText, Span } from '../model.ts';
import { agesInWords } from './age.ts';
import { dayOf } from './calendar.ts';
import { announcedBy, beginsAt, endsAt, LOOK_BACK, lookBack, spanOf, wholeWithoutAccents } from './context.ts';
import { hasDate, LONGEST_DATE, readDate } from './read-date.ts';

// A date alone is a visit, a dose or a result. It is one of birth only right behind a word that says so; a letter or two more
// ("born prematurely, seen on …") and it is left alone, because an age in place of a date of visit would harm.
const announcing = announcedBy(
  [
    'd\\.? ?o\\.? ?b\\.?|(?:date|day) of birth|birth ?dates?|birthday|born',
    'date de naissance|d\\.? ?d\\.? ?n\\.?|ne\\(?e?\\)?',
    'fecha de nacimiento|f\\. ?n(?:ac)?\\.|nacid[oa](?:\\(a\\))?|nacio',
    'geb\\.|geb|geboren|geburtsdatum|geburtstag',
    'data de nascimento|d\\. ?n\\.|nascid[oa](?:\\(a\\))?|nasceu',
    'tarehe ya kuzaliwa|(?:ali|nili|wali)?zaliwa',
  ],
  ['on|the|is|was|in|le|est|la|el|dia|es|am|den|ist|em|tarehe|ni', 'dd|mm|yyyy|jj|aaaa|tt|jjjj'],
);

// A digit, or a name that may be a month's before one.
const STARTS = /\d|(?<![A-Za-zÀ-ɏ])(?:[A-Za-zÀ-ɏ]|[\u0300-\u036F]){3,12}\.? \d/g;

const couldHold = (text: FoldedText): boolean =>
  hasDate(text.folded) && announcing.couldHold(wholeWithoutAccents(text));

/** Dates of birth. What stands instead is the age on the day of the request; one that lies ahead is none. */
export const birthDateFinder: Finder = {
  longest: LONGEST_DATE,
  before: LOOK_BACK,
  after: 2,
  sign: { kind: 'look', couldHold },
  find: (text) => {
    const today = dayOf(text.today);
    const spans: Span[] = [];
    const starts = new RegExp(STARTS);
    starts.lastIndex = text.from;
    for (let next = starts.exec(text.folded); next !== null; next = starts.exec(text.folded)) {
      starts.lastIndex = next.index + 1;
      if (!beginsAt(text.folded, next.index)) continue;
      const date = readDate(text.folded, next.index, today.year);
      if (date === null || !announcing.holds(lookBack(text, next.index))) continue;
      const end = next.index + date.length;
      const instead = agesInWords(date.readings, today, text.language);
      if (instead === null || (!endsAt(text.folded, end) && text.folded[end] !== 'T')) continue;
      spans.push({ ...spanOf(text, next.index, end), instead });
      starts.lastIndex = end;
    }
    return spans;
  },
};
