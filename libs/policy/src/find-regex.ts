import { foldedFrom } from './fold.ts';
import type { Finder, FoldedText, Span } from './model.ts';
import type { Pattern } from './patterns.ts';
import { ASCII, type Openings, openingsOf } from './program.ts';

/**
 * So much of a text is searched at once, from a place on where a match may begin, where matches have a bound; more, where one may
 * begin nearly anywhere.
 */
const PART = { least: 128, most: 2_048 };

/** Finds the matches of an expression, leftmost first as Perl would choose. Time is linear in the text for each match. */
export function regexFinder(pattern: Pattern): Finder {
  const { longest, anchored, wordBoundaries } = pattern;
  const context = wordBoundaries ? 1 : 0;
  const openings = openingsOf(pattern.expression);
  const why = anchored
    ? 'its pattern asks where the text or a line begins or ends'
    : longest === null
      ? 'its pattern matches texts of any length'
      : null;
  return {
    longest: why === null ? longest : null,
    ...(why === null ? {} : { why }),
    before: context,
    after: context,
    sign: { kind: 'pattern', pattern },
    find: (text, stillAllowed) =>
      why === null && longest !== null
        ? findByParts(pattern, openings, text, longest, context, stillAllowed)
        : findFrom(pattern, text, 0, text.folded, text.from, text.folded.length, stillAllowed).spans,
  };
}

// A match depends on what is `longest` and a character of context away: so a part that has as much behind it gives the same.
function findByParts(
  pattern: Pattern,
  openings: Openings,
  text: FoldedText,
  longest: number,
  context: number,
  stillAllowed?: () => void,
): readonly Span[] {
  const least = Math.max(PART.least, 4 * longest);
  let part = least;
  const whole = text.folded;
  const spans: Span[] = [];
  for (let from = nextOpening(whole, text.from, openings); from < whole.length;) {
    const offset = Math.max(0, from - context - 1);
    const slice = whole.slice(offset, from + part + longest + context + 1);
    const until = Math.min(whole.length, from + part);
    const found = findFrom(pattern, text, offset, slice, from, until, stillAllowed);
    spans.push(...found.spans);
    from = nextOpening(whole, found.next, openings);
    if (from < whole.length) stillAllowed?.();
    part = from - found.next < PART.least ? Math.max(least, Math.min(2 * part, PART.most)) : least;
  }
  return spans;
}

/** The first place from `from` on where a match may begin; the text's end: there is none. */
function nextOpening(text: string, from: number, openings: Openings): number {
  let at = from;
  while (at < text.length && !mayBeginAt(text, at, openings)) at += 1;
  return at;
}

function mayBeginAt(text: string, at: number, openings: Openings): boolean {
  for (let behind = 0; behind < openings.length; behind += 1) {
    const code = text.charCodeAt(at + behind);
    if (openings[behind]?.[Math.min(code, ASCII)] !== 1) return false;
    if (code >= ASCII) return true;
  }
  return true;
}

/** Searches `slice`, which stands at `offset` of the folded text, for matches that start in [from, until). */
function findFrom(
  { expression }: Pattern,
  text: FoldedText,
  offset: number,
  slice: string,
  from: number,
  until: number,
  stillAllowed?: () => void,
): { readonly spans: Span[]; readonly next: number } {
  const matcher = expression.matcher(slice);
  const spans: Span[] = [];
  let next = insidePair(text.folded, from) ? from + 1 : from;
  while (next < until && matcher.find(next - offset)) {
    stillAllowed?.();
    const found = matcher.start() + offset;
    if (found >= until) break;
    const end = matcher.end() + offset;
    const span = { start: text.origin[found] ?? 0, end: text.originEnd[end - 1] ?? 0 };
    spans.push(span);
    next = foldedFrom(text, span.end);
  }
  return { spans, next: Math.max(next, insidePair(text.folded, until) ? until + 1 : until) };
}

const insidePair = (text: string, index: number): boolean =>
  (text.charCodeAt(index) & 0xfc00) === 0xdc00 && (text.charCodeAt(index - 1) & 0xfc00) === 0xd800;
