import { folded, foldedFrom } from './fold.ts';
import type { Finder, FoldedText, Span } from './model.ts';
import {
  JOINED,
  MOST_BETWEEN,
  MOST_PARTS,
  partsOf,
  type Place,
  standingFor,
  textWords,
  WORD,
  wordsAt,
} from './words.ts';

/** More is a sentence, which nobody writes the same way twice. Each place of a text is looked at as far as this. */
export const MOST_WORDS = 16;
/** Signs that are no letters, before the first word and behind the last. */
const MOST_SIGNS = 4;

/** Phrases that begin alike share their beginning: so a text is read once for all of them. */
interface Node {
  /** By what stands before the next word, unless it is a blank, and the word. */
  readonly next: Map<string, Node>;
  /** What may stand around, of phrases that end here: signs before and behind. Null: no phrase ends here. */
  ends: Set<string> | null;
}

const newNode = (): Node => ({ next: new Map(), ends: null });
const aroundOf = (lead: string, tail: string): string => `${lead} ${tail}`;
const PLAIN = aroundOf('', '');

export type TopicFinding =
  | { readonly kind: 'ok'; readonly finder: Finder }
  | { readonly kind: 'refused'; readonly code: 'patternInvalid' | 'patternTooLarge'; readonly why: string };

/** Finds whole words and phrases: where several begin at one place, the longest. Reads as `words.ts` says. */
export function topicFinder(phrases: readonly string[]): TopicFinding {
  const root = newNode();
  let longest = 0;
  for (const text of phrases) {
    for (const form of new Set([text, text.toUpperCase(), text.toLowerCase(), capitalised(text)].map(folded))) {
      const phrase = readPhrase(form.trim());
      if (typeof phrase === 'string') return { kind: 'refused', ...REFUSED[phrase](text) };
      const { keys, lead, tail } = phrase;
      let node = root;
      for (const key of keys) node = childOf(node, key);
      (node.ends ??= new Set()).add(aroundOf(lead, tail));
      // With room for apostrophes that the phrase has not.
      longest = Math.max(longest, form.length + MOST_BETWEEN * keys.length);
    }
  }
  return {
    kind: 'ok',
    finder: {
      longest,
      before: 2,
      after: 2,
      sign: { kind: 'words', words: [...root.next.keys()] },
      find: (text, stillAllowed) => findPhrases(text, root, longest, stillAllowed),
    },
  };
}

function childOf(node: Node, key: string): Node {
  const child = node.next.get(key) ?? newNode();
  node.next.set(key, child);
  return child;
}

const REFUSED = {
  noWord: (text: string) => ({
    code: 'patternInvalid' as const,
    why: `“${text}” has no letter or digit; use a pattern for it`,
  }),
  tooLong: (text: string) => ({
    code: 'patternTooLarge' as const,
    why:
      `“${text}” is more than a topic finds: ${MOST_WORDS} words, ${MOST_PARTS - 1} apostrophes in a word, ${MOST_SIGNS} signs before ` +
      'or behind; shorten it, or use a pattern for it',
  }),
};

const capitalised = (text: string): string => text.replace(WORD, (it) => it.charAt(0).toUpperCase() + it.slice(1));
const withoutApostrophes = (signs: string): string => signs.replace(/['`]/g, '');

interface Phrase {
  readonly lead: string;
  readonly keys: readonly string[];
  readonly tail: string;
}

function readPhrase(text: string): Phrase | keyof typeof REFUSED {
  const parts = partsOf(text);
  const [first] = parts;
  const last = parts.at(-1);
  if (!first || !last) return 'noWord';
  const lead = withoutApostrophes(text.slice(0, first.start));
  const tail = withoutApostrophes(text.slice(last.end));
  if (lead.length > MOST_SIGNS || tail.length > MOST_SIGNS) return 'tooLong';
  const keys: string[] = [];
  for (let at = 0; at < parts.length;) {
    const word = [...wordsAt(parts, at)].at(-1);
    const gap = keys.length === 0 ? '' : (parts[at]?.gap ?? null);
    if (!word || gap === null || parts[word.next]?.gap === JOINED || keys.length === MOST_WORDS) return 'tooLong';
    keys.push(keyOf(gap, word.word));
    at = word.next;
  }
  return { lead, keys, tail };
}

/** Signs are no letters, so no word is taken for another with signs before it. */
const keyOf = (gap: string, word: string): string => (gap === ' ' ? word : gap + word);

interface Match {
  readonly start: number;
  readonly end: number;
}

/** Asked after so many places: each costs little, and never more than a bound. */
const PLACES_AT_ONCE = 128;

function findPhrases(text: FoldedText, root: Node, longest: number, stillAllowed?: () => void): readonly Span[] {
  const words = textWords(text);
  const matches: Match[] = [];
  let places = 0;
  for (const [word, node] of standingFor(words, root.next)) {
    for (const place of words.places(word)) {
      places += 1;
      if (places % PLACES_AT_ONCE === 0) stillAllowed?.();
      if ((place.reading[place.at]?.start ?? 0) >= text.from) matchAt(text.folded, place, node, longest, matches);
    }
  }
  return leftmostLongest(text, matches);
}

/** Every phrase whose first word, of which `node` is, stands at a place. There is one way on: a word ends where its apostrophes do. */
function matchAt(text: string, place: Place, node: Node, longest: number, matches: Match[]): void {
  const { reading } = place;
  const from = reading[place.at]?.start ?? 0;
  addEnds(text, from, reading[place.next - 1]?.end ?? 0, node, longest, matches);
  let on: Node | null = node;
  for (let at = place.next; on !== null && on.next.size > 0;) {
    const gap = reading[at]?.gap ?? null;
    if (gap === null || gap === JOINED) return;
    const parent: Node = on;
    on = null;
    let next = at;
    for (const word of wordsAt(reading, at)) {
      const child = parent.next.get(keyOf(gap, word.word));
      const end = reading[word.next - 1]?.end ?? 0;
      if (end - from > longest) return;
      if (child !== undefined) addEnds(text, from, end, child, longest, matches);
      [on, next] = [child ?? null, word.next];
    }
    at = next;
  }
}

function addEnds(text: string, from: number, to: number, { ends }: Node, longest: number, matches: Match[]): void {
  if (ends === null) return;
  if (ends.has(PLAIN) && to - from <= longest) matches.push({ start: from, end: to });
  if (ends.size === (ends.has(PLAIN) ? 1 : 0)) return;
  for (let lead = 0; lead <= Math.min(MOST_SIGNS, from); lead += 1) {
    for (let tail = 0; tail <= MOST_SIGNS && to + tail <= text.length; tail += 1) {
      const match = { start: from - lead, end: to + tail };
      if (lead + tail === 0 || match.end - match.start > longest) continue;
      if (ends.has(aroundOf(text.slice(match.start, from), text.slice(to, match.end)))) matches.push(match);
    }
  }
}

/** The earliest start, then the longest; none that overlaps the one before in the original. */
function leftmostLongest(text: FoldedText, matches: Match[]): readonly Span[] {
  const spans: Span[] = [];
  let from = text.from;
  for (const { start, end } of matches.toSorted((one, other) => one.start - other.start || other.end - one.end)) {
    if (start < from) continue;
    const span = { start: text.origin[start] ?? 0, end: text.originEnd[end - 1] ?? 0 };
    spans.push(span);
    from = foldedFrom(text, span.end);
  }
  return spans;
}
