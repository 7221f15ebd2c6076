import type { Finder, FoldedText, Span } from '../model.ts';
import { announcedBy, beginsAt, endsAt, LOOK_BACK, lookBack, spanOf, wholeWithoutAccents } from './context.ts';
import { readDate } from './read-date.ts';

/** Of the ITU's list of assigned country codes. */
const COUNTRY =
  /^(?:1|7|2(?:0|7|[1-6]\d|9\d)|3(?:[0-469]|[578]\d)|4(?:[013-9]|2\d)|5(?:[1-8]|[09]\d)|6(?:[0-6]|[7-9]\d)|8(?:[1246]|[0578]\d)|9(?:[0-58]|[67]\d|9[2-68]))/;

// Bounds of E.164 for the international form. A national one of fewer than seven digits is an emergency number or an extension.
const MOST_DIGITS = 15;
const FEWEST_INTERNATIONAL = 8;
const FEWEST_NATIONAL = 7;
const LONGEST = 32;

const announcing = announcedBy(
  [
    '(?:tele)?phones?|tel\\.?|mobiles?|cell(?:ular)?|call(?:ed)?|ring|fax|whatsapp|text|sms|landline|contact',
    'telephones?|portable|appel(?:er|ez)|joindre|joignable|gsm|tel',
    'telefonos?|movil|celular|llam(?:ar|e|ame)',
    'telefon(?:nummer|nr)?|handy(?:nummer|nr)?|mobil(?:nummer|nr|telefon)?|ruf(?:nummer|en sie)|anrufen',
    'telefones?|telemovel|lig(?:ar|ue)|contacto?|contato',
    'simu|piga|nambari',
  ],
  [
    'no\\.?|n|nr\\.?|num\\.?|numbers?|numeros?|nummer|namba|ya|yangu|yake|is|at|on|to',
    'me|him|her|them|us|my|home|work|le|au|est|al|el|es|um|para|o|e|ni',
    'ist|unter|portable|movil|mobile|de|do|a|kwa|contact',
  ],
);

interface Group {
  readonly separator: string;
  readonly digits: string;
  readonly end: number;
}

const GROUP = /(\) ?|[ .-] ?\(?|\(| ?\/ ?)?(\d{1,16})/y;

// What makes of a group behind a space the start of a date, a time or a value; `555-0143` is still a number.
const OTHER = /^(?:[/:,.]\d|-\d(?!\d{3}(?!\d))| ?%)/;

/** A group of digits, with what separates it from the one before; null: none, or what follows is a date, a time or a value. */
const groupAt = (folded: string, at: number): Group | null => {
  GROUP.lastIndex = at;
  const found = GROUP.exec(folded);
  if (found === null) return null;
  const [all, separator = '', digits = ''] = found;
  const end = at + all.length;
  if (separator === ' ' && OTHER.test(folded.slice(end, end + 6))) return null;
  return { separator, digits, end };
};

/** Where the number ends that begins at `from`, and its digits: as many groups as a number may have. */
const readGroups = (folded: string, from: number): { readonly groups: readonly Group[]; readonly end: number } => {
  const groups: Group[] = [];
  let count = 0;
  let end = from;
  for (let next = groupAt(folded, from); next !== null; next = groupAt(folded, end)) {
    if (groups.length > 0 && next.separator === '') break;
    if (groups.length > 1 && next.digits.length < 2) break;
    count += next.digits.length;
    if (count > MOST_DIGITS || next.end - from > LONGEST) break;
    groups.push(next);
    end = next.end;
  }
  return { groups, end };
};

const isInternational = (groups: readonly Group[]): boolean => {
  const digits = groups.map((group) => group.digits).join('');
  if (!COUNTRY.test(digits) || digits.length < FEWEST_INTERNATIONAL) return false;
  return digits.startsWith('1') ? /^1[2-9]\d{9}$/.test(digits) : true;
};

/** Single digits between separators are scores and ratios; a full stop or slash throughout is a date or a value but in pairs. */
const isNational = (folded: string, from: number, end: number, groups: readonly Group[], thisYear: number): boolean => {
  const digits = groups.map((group) => group.digits).join('');
  if (digits.length < FEWEST_NATIONAL || groups.some((group, at) => group.digits.length < 2 && at !== 0)) return false;
  const date = readDate(folded, from, thisYear);
  return date === null || from + date.length > end || !/[-/.]/.test(folded.slice(from, from + date.length));
};

/** As many digits as the shortest number has, with what may separate two. Most texts have none such. */
const ENOUGH_DIGITS = /\d(?:[ .()/-]{0,3}\d){6}/;
const STARTS = new RegExp(String.raw`\+?\(?(?=${ENOUGH_DIGITS.source})\d`, 'g');

/** Behind a sign that belongs to the number: its match begins there. */
const isWithin = (folded: string, { 0: shown, index }: RegExpExecArray): boolean =>
  folded[index - 1] === '+' || (folded[index - 1] === '(' && !shown.startsWith('+'));

const endOf = (text: FoldedText, at: number, shown: string): number | null => {
  const { folded } = text;
  const isPlus = shown.startsWith('+');
  const from = at + shown.length - 1;
  const { groups, end } = readGroups(folded, from);
  if (groups.length === 0 || !endsAt(folded, end)) return null;
  if (isPlus) return isInternational(groups) ? end : null;
  if (!isNational(folded, from, end, groups, Number(text.today.slice(0, 4)))) return null;
  return announcing.holds(lookBack(text, at)) ? end : null;
};

const couldHold = (text: FoldedText): boolean =>
  ENOUGH_DIGITS.test(text.folded) && (text.folded.includes('+') || announcing.couldHold(wholeWithoutAccents(text)));

/** Telephone numbers: with `+` and a country code anywhere, others where a word announces them. */
export const phoneFinder: Finder = {
  longest: LONGEST + 2,
  before: LOOK_BACK,
  after: MOST_DIGITS + 11,
  sign: { kind: 'look', couldHold },
  find: (text) => {
    const spans: Span[] = [];
    const starts = new RegExp(STARTS);
    starts.lastIndex = text.from;
    for (let next = starts.exec(text.folded); next !== null; next = starts.exec(text.folded)) {
      starts.lastIndex = next.index + 1;
      if (!beginsAt(text.folded, next.index) || isWithin(text.folded, next)) continue;
      const end = endOf(text, next.index, next[0]);
      if (end === null) continue;
      spans.push(spanOf(text, next.index, end));
      starts.lastIndex = end;
    }
    return spans;
  },
};
