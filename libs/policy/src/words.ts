import type { FoldedText } from './model.ts';

// How topics read a text: as words, and what stands between them. Words are runs of letters, digits and the marks on them, in any
// script: `\b` of RE2 knows those of ASCII alone. Upper and lower case are alike. An apostrophe within a word may be there or not, as
// people type it; a blank, a hyphen and a comma between two words are one.

export const WORD = /[\p{L}\p{N}\p{M}]+/gu;

/** Characters between two words, at most, where one would do. */
export const MOST_BETWEEN = 4;

/** Parts of one word, with apostrophes between. `I'd've` has three; without a bound a text of apostrophes alone would be dear. */
export const MOST_PARTS = 4;

/** A run of letters. */
export interface Part {
  readonly start: number;
  readonly end: number;
  readonly letters: string;
  /** What stands before it: `JOINED`, `APART`, other signs as they are, or null where nothing in a phrase is like it. */
  readonly gap: string | null;
}

/** An apostrophe: both parts are one word. */
export const JOINED = "'";
/** A blank or what does for one. */
export const APART = ' ';

const APOSTROPHES = /['`]/g;
const ONE_APOSTROPHE = /^['`]{1,2}$/;
const BLANK_HYPHEN_COMMA = /^ ?[-,]? ?$/;

function gapOf(between: string): string | null {
  if (ONE_APOSTROPHE.test(between)) return JOINED;
  const plain = between.replace(APOSTROPHES, '').replace(/\s+/gu, ' ');
  if (between.length > plain.length + MOST_BETWEEN - 1) return null;
  if (!BLANK_HYPHEN_COMMA.test(plain)) return plain;
  return between.length <= MOST_BETWEEN ? APART : null;
}

/** The parts of a text, in order. `isHole(at)`: a mark that is not seen stands there, and tells words apart. */
export function partsOf(text: string, isHole?: (at: number) => boolean): readonly Part[] {
  const parts: Part[] = [];
  let last = 0;
  const add = (start: number, end: number): void => {
    const letters = text.slice(start, end).toLowerCase();
    parts.push({ start, end, letters, gap: start === last ? APART : gapOf(text.slice(last, start)) });
    last = end;
  };
  for (const { 0: run, index } of text.matchAll(WORD)) {
    let start = index;
    const end = index + run.length;
    if (isHole) {
      for (let at = start + 1; at < end; at += 1) {
        if (!isHole(at)) continue;
        add(start, at);
        start = at;
      }
    }
    add(start, end);
  }
  return parts;
}

/** Where a word may begin: the part, and the one behind the word. */
export interface Place {
  readonly reading: readonly Part[];
  readonly at: number;
  readonly next: number;
}

/** A text as all topics of a policy read it. */
export interface TextWords {
  /** Every word that stands somewhere, with and without what an apostrophe joins to it. */
  has(word: string): boolean;
  readonly count: number;
  words(): Iterable<string>;
  places(word: string): readonly Place[];
}

/** The letters of a word that begins at a part, longer by one part each time, with the part behind it. */
export function* wordsAt(
  parts: readonly Part[],
  at: number,
): Generator<{ readonly word: string; readonly next: number }> {
  let word = '';
  for (let next = at; next < parts.length && next < at + MOST_PARTS;) {
    word += parts[next]?.letters ?? '';
    next += 1;
    yield { word, next };
    if (parts[next]?.gap !== JOINED) return;
  }
}

/** Every topic of a policy reads the words of the same text. */
export const textWords = (text: FoldedText): TextWords => (text.readings.words ??= readWords(text));

/** What stands in a table for the words that a text has, with each. */
export function standingFor<T>(words: TextWords, table: ReadonlyMap<string, T>): readonly (readonly [string, T])[] {
  const [fewer, others] = words.count < table.size ? [words.words(), table] : [table.keys(), words];
  const found: (readonly [string, T])[] = [];
  for (const word of fewer) {
    const value = others.has(word) ? table.get(word) : undefined;
    if (value !== undefined) found.push([word, value]);
  }
  return found;
}

/**
 * A mark that is not seen stands within a word, or tells two apart; nobody can see which. So a text that has some is read both ways:
 * all of them as nothing, and all of them as blanks.
 */
function readWords(text: FoldedText): TextWords {
  const { folded } = text;
  const isHoley = hasHoles(text);
  if (!isHoley && !/['`Σ]/.test(folded)) return lazily(new Set(folded.toLowerCase().match(WORD)), folded);
  const apart = isHoley ? [partsOf(folded, (at) => isHole(text, at))] : [];
  const places = placesIn([partsOf(folded), ...apart]);
  return wordsIn(places, () => places);
}

/** Whether something that is not seen stands ahead of a folded offset. */
const isHole = ({ origin, originEnd }: FoldedText, at: number): boolean => (origin[at] ?? 0) > (originEnd[at - 1] ?? 0);

export function hasHoles(text: FoldedText): boolean {
  // What is not seen is never in a folded text.
  if (text.folded === text.text) return false;
  for (let at = 1; at < text.folded.length; at += 1) if (isHole(text, at)) return true;
  return false;
}

/** Most texts have no word that any topic begins with: then no more is made of them than a set. */
function lazily(distinct: ReadonlySet<string>, folded: string): TextWords {
  let places: Places | null = null;
  return wordsIn(distinct, () => (places ??= placesIn([partsOf(folded)])));
}

type Places = ReadonlyMap<string, readonly Place[]>;

const wordsIn = (words: Pick<ReadonlySet<string>, 'has' | 'size' | 'keys'>, places: () => Places): TextWords => ({
  has: (word) => words.has(word),
  count: words.size,
  words: () => words.keys(),
  places: (word) => places().get(word) ?? [],
});

function placesIn(readings: readonly (readonly Part[])[]): Places {
  const places = new Map<string, Place[]>();
  for (const reading of readings) {
    for (const at of reading.keys()) {
      for (const { word, next } of wordsAt(reading, at)) {
        const before = places.get(word);
        if (before) before.push({ reading, at, next });
        else places.set(word, [{ reading, at, next }]);
      }
    }
  }
  return places;
}
