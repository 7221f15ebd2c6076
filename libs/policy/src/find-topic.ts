import { folded, foldedFrom } from './fold.ts';
import type { Finder, FoldedText, Span } from './model.ts';

// Words are runs of letters, digits and the marks on them, in any script: `\b` of RE2 knows those of ASCII alone. Upper and lower
// case are alike; blanks between the words of a phrase may be up to four, whichever they are; other marks must be as written.

const WORD = /[\p{L}\p{N}\p{M}]+/gu;
const MOST_BLANKS = 4;

interface Word {
  readonly start: number;
  readonly end: number;
  readonly word: string;
}

interface Phrase {
  readonly lead: string;
  readonly words: readonly string[];
  /** Between the words, with blanks as one. */
  readonly gaps: readonly string[];
  readonly tail: string;
}

export type TopicFinding =
  | { readonly kind: 'ok'; readonly finder: Finder }
  | { readonly kind: 'refused'; readonly why: string };

/** Finds whole words and phrases: where several begin at one place, the longest. */
export function topicFinder(phrases: readonly string[]): TopicFinding {
  const byWord = new Map<string, Phrase[]>();
  let longest = 0;
  for (const text of phrases) {
    for (const form of new Set([text, text.toUpperCase(), text.toLowerCase(), capitalised(text)].map(folded))) {
      const phrase = readPhrase(form.trim());
      const first = phrase?.words[0];
      if (!phrase || first === undefined) {
        return { kind: 'refused', why: `“${text}” has no letter or digit; use a pattern for it` };
      }
      byWord.set(first, [...(byWord.get(first) ?? []), phrase]);
      longest = Math.max(longest, form.length + MOST_BLANKS * phrase.gaps.length);
    }
  }
  return {
    kind: 'ok',
    finder: { longest, before: 2, after: 2, find: (text) => findPhrases(text, byWord, longest) },
  };
}

const capitalised = (text: string): string => text.replace(WORD, (it) => it.charAt(0).toUpperCase() + it.slice(1));
const narrowed = (gap: string): string => gap.replace(/\s+/gu, ' ');

function readPhrase(text: string): Phrase | null {
  const words = wordsOf(text);
  const [first] = words;
  const last = words.at(-1);
  if (!first || !last) return null;
  return {
    lead: text.slice(0, first.start),
    words: words.map(({ word }) => word),
    gaps: words.slice(1).map((word, at) => narrowed(text.slice(words[at]?.end, word.start))),
    tail: text.slice(last.end),
  };
}

function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  for (const found of text.matchAll(WORD)) {
    words.push({ start: found.index, end: found.index + found[0].length, word: found[0].toLowerCase() });
  }
  return words;
}

// Every topic of a policy reads the words of the same text, which each fold gives a table of its own.
interface Read {
  readonly distinct: ReadonlySet<string>;
  words: readonly Word[] | null;
}
const known = new WeakMap<object, Read>();
function readOf({ folded: text, origin }: FoldedText): Read {
  const read = known.get(origin) ?? { distinct: distinctWords(text), words: null };
  known.set(origin, read);
  return read;
}

/** Small letters of a whole text are those of its words, but for a sigma, which ends words in another form. */
function distinctWords(text: string): ReadonlySet<string> {
  if (text.includes('Σ')) return new Set(wordsOf(text).map(({ word }) => word));
  return new Set(text.toLowerCase().match(WORD));
}

/** Most texts do not have all the words of any phrase. */
function couldHave(distinct: ReadonlySet<string>, byWord: ReadonlyMap<string, readonly Phrase[]>): boolean {
  const [fewer, others] = distinct.size < byWord.size ? [distinct, byWord] : [byWord, distinct];
  for (const word of fewer.keys()) {
    const phrases = others.has(word) ? (byWord.get(word) ?? []) : [];
    if (phrases.some(({ words }) => words.every((it) => distinct.has(it)))) return true;
  }
  return false;
}

function findPhrases(
  text: FoldedText,
  byWord: ReadonlyMap<string, readonly Phrase[]>,
  longest: number,
): readonly Span[] {
  const read = readOf(text);
  if (!couldHave(read.distinct, byWord)) return [];
  const words = (read.words ??= wordsOf(text.folded));
  const spans: Span[] = [];
  let from = text.from;
  for (const [at, { word, start }] of words.entries()) {
    if (start < from) continue;
    let best: { readonly start: number; readonly end: number } | null = null;
    for (const phrase of byWord.get(word) ?? []) {
      const found = matchAt(text.folded, words, at, phrase);
      if (!found || found.start < from || found.end - found.start > longest) continue;
      if (!best || found.start < best.start || (found.start === best.start && found.end > best.end)) best = found;
    }
    if (!best) continue;
    const span = { start: text.origin[best.start] ?? 0, end: text.originEnd[best.end - 1] ?? 0 };
    spans.push(span);
    from = foldedFrom(text, span.end);
  }
  return spans;
}

function matchAt(
  text: string,
  words: readonly Word[],
  at: number,
  phrase: Phrase,
): { start: number; end: number } | null {
  for (let next = 1; next < phrase.words.length; next += 1) {
    const [one, other] = [words[at + next - 1], words[at + next]];
    if (!one || !other || other.word !== phrase.words[next]) return null;
    const [gap, wanted = ''] = [text.slice(one.end, other.start), phrase.gaps[next - 1]];
    if (gap.length > wanted.length + MOST_BLANKS - 1 || narrowed(gap) !== wanted) return null;
  }
  const start = (words[at]?.start ?? 0) - phrase.lead.length;
  const tailAt = words[at + phrase.words.length - 1]?.end ?? 0;
  if (start < 0 || !text.startsWith(phrase.lead, start) || !text.startsWith(phrase.tail, tailAt)) return null;
  return { start, end: tailAt + phrase.tail.length };
}
