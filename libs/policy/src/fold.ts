import { LOOK_ALIKES } from './look-alikes.ts';
import type { FoldedText, Readings } from './model.ts';

// Marks that are not seen: format and direction marks, soft hyphens, joiners, variation selectors, fillers.
const UNSEEN = /^[\p{Cf}\p{Variation_Selector}\u034F\u115F\u1160\u17B4\u17B5]$/u;
// Accents and whatever else is set on, under or through a letter. Marks that belong to one script (vowels of Arabic or Devanagari,
// the voicing of kana) are letters there, and stay.
const ACCENTS = /[\u0300-\u036F\u1AB0-\u1AFF\u1DC0-\u1DFF\u20D0-\u20FF\uFE20-\uFE2F\u0483-\u0489]/gu;
const LETTER = /^\p{L}$/u;
const MARK = /^\p{M}$/u;

const DIGIT = /^\p{Nd}$/u;

/** Every script has its ten digits in a row, from nought on, and where rows follow each other they are whole. */
function valueOf(digit: string): string {
  const code = digit.codePointAt(0) ?? 0;
  let first = code;
  while (DIGIT.test(String.fromCodePoint(first - 1))) first -= 1;
  return String((code - first) % 10);
}

const plainOf = (point: string): string => {
  if (point <= '\u007F') return point;
  const alike = LOOK_ALIKES.get(point);
  if (alike !== undefined) return alike;
  if (UNSEEN.test(point) || point.replace(ACCENTS, '') === '') return '';
  if (DIGIT.test(point)) return valueOf(point);
  // A sign is another one without its stroke: "≠" is not "=".
  const bare = LETTER.test(point) ? point.normalize('NFD').replace(ACCENTS, '').normalize('NFC') : point;
  const plain = bare.normalize('NFKC');
  return plain === point ? point : Array.from(plain, plainOf).join('');
};

// Of the code points that were met, below U+10000.
const met = Array.from<string | undefined>({ length: 0x10000 });

/** How rules read one code point. It may become several, or nothing. */
export function foldPoint(point: string): string {
  const code = point.codePointAt(0) ?? 0;
  return code > 0xffff ? plainOf(point) : (met[code] ??= plainOf(point));
}

/** The text as rules read it, without the way back. */
export const folded = (text: string): string => (isAscii(text) ? text : Array.from(text, foldPoint).join(''));

// eslint-disable-next-line no-control-regex
const BEYOND_ASCII = /[^\u0000-\u007F]/;
const isAscii = (text: string): boolean => !BEYOND_ASCII.test(text);

export type Circumstances = Pick<FoldedText, 'today' | 'language'>;

/** A whole text, as rules read it. */
export function fold(text: string, { today, language }: Circumstances): FoldedText {
  const same = text.length < IDENTITY_SIZE ? unitByUnit(text) : null;
  if (same !== null)
    return whole(text, { folded: same, origin: starts, originEnd: ends, readings: unread() }, today, language);
  // With room for what becomes longer, as `ß` does.
  const folding = openFolding(text.length + (text.length >>> 5) + 16);
  folding.add(text);
  return whole(text, folding.read(), today, language);
}

/** The text as rules read it, where each of its units becomes one; null: one does not. So it is of most texts, of `é` and `’` too. */
function unitByUnit(text: string): string | null {
  if (isAscii(text)) return text;
  let plain = '';
  let written = 0;
  for (let at = endOfAscii(text, 0); at < text.length; at = endOfAscii(text, at + 1)) {
    const unit = text.charAt(at);
    const becomes = foldPoint(unit);
    if (becomes.length !== 1 || isSurrogate(text.charCodeAt(at))) return null;
    if (becomes === unit) continue;
    plain += text.slice(written, at) + becomes;
    written = at + 1;
  }
  return plain + text.slice(written);
}

const isSurrogate = (code: number): boolean => (code & 0xf800) === 0xd800;

// Each by its name: texts are folded for every request, and two objects spread into one cost more than a short text's folding.
const whole = (
  text: string,
  { folded: plain, origin, originEnd, readings }: ReturnType<Folding['read']>,
  today: string,
  language: string,
): FoldedText => ({
  text,
  folded: plain,
  origin,
  originEnd,
  readings,
  from: 0,
  isStart: true,
  isEnd: true,
  today,
  language,
});

const unread = (): Readings => ({ words: null, plain: null });

// One table for all short texts of which each unit becomes one.
const IDENTITY_SIZE = 8_192;
const starts = Int32Array.from({ length: IDENTITY_SIZE }, (_, at) => at);
const ends = starts.subarray(1);

/** A text that is folded as it comes in, each part of it once. Offsets are those of the whole text. */
export interface Folding {
  /** Whole code points. */
  add(text: string): void;
  /** What has come in, but for what was forgotten. The offsets hold until the next `add` or `forget`. */
  read(): Pick<FoldedText, 'folded' | 'origin' | 'originEnd' | 'readings'>;
  /** Forgets so many UTF-16 units of the folded text. */
  forget(units: number): void;
}

export function openFolding(room = 64): Folding {
  let plain = '';
  let origin = new Int32Array(room + 1);
  let originEnd = new Int32Array(room + 1);
  let head = 0;
  let count = 0;
  let length = 0;
  // Whether a mark that comes next belongs to the last unit: then it ends behind the mark.
  let takesMarks = false;

  const makeRoom = (units: number): void => {
    if (count + units < origin.length) return;
    const size = 2 * (count + units);
    const [from, to] = [new Int32Array(size), new Int32Array(size)];
    from.set(origin.subarray(0, count));
    to.set(originEnd.subarray(0, count));
    [origin, originEnd] = [from, to];
  };
  const put = (start: number, end: number, units: number): void => {
    takesMarks = true;
    for (let unit = 0; unit < units; unit += 1, count += 1) {
      origin[count] = start;
      originEnd[count] = end;
    }
  };
  const leaveOut = (point: string, end: number): void => {
    takesMarks &&= MARK.test(point);
    if (takesMarks) originEnd[count - 1] = end;
  };

  return {
    add: (text) => {
      makeRoom(text.length);
      let written = 0;
      for (let at = 0; at < text.length;) {
        const run = endOfAscii(text, at) - at;
        if (run > 0) {
          takesMarks = true;
          count = putEach(origin, originEnd, count, length + at, run);
          at += run;
          continue;
        }
        const point = String.fromCodePoint(text.codePointAt(at) ?? 0);
        const becomes = foldPoint(point);
        const end = at + point.length;
        if (becomes !== point) {
          plain += text.slice(written, at) + becomes;
          written = end;
          makeRoom(text.length - end + becomes.length);
        }
        if (becomes === '') leaveOut(point, length + end);
        else put(length + at, length + end, becomes.length);
        at = end;
      }
      plain += written === 0 ? text : text.slice(written);
      length += text.length;
      origin[count] = length;
    },
    read: () => ({
      folded: plain,
      origin: origin.subarray(head, count + 1),
      originEnd: originEnd.subarray(head, count),
      readings: unread(),
    }),
    forget: (units) => {
      plain = plain.slice(units);
      head += units;
      if (2 * head < origin.length) return;
      origin.copyWithin(0, head, count + 1);
      originEnd.copyWithin(0, head, count);
      count -= head;
      takesMarks &&= count > 0;
      head = 0;
    },
  };
}

function endOfAscii(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) < 0x80) at += 1;
  return at;
}

function putEach(origin: Int32Array, originEnd: Int32Array, from: number, start: number, units: number): number {
  for (let unit = 0; unit < units; unit += 1) {
    origin[from + unit] = start + unit;
    originEnd[from + unit] = start + unit + 1;
  }
  return from + units;
}

/** The first folded offset whose code point begins at `offset` of the original, or behind it. */
export function foldedFrom({ origin, folded: plain }: FoldedText, offset: number): number {
  let low = 0;
  let high = plain.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((origin[middle] ?? 0) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
