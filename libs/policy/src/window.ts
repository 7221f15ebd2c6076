import { foldedFrom, openFolding } from './fold.ts';
import { placed } from './marks.ts';
import { type Allowance, allowance, forAll, type Matched, withinLimit } from './matching.ts';
import { type MayMatch, readAlong } from './may-match.ts';
import type { Finder, FoldedText, Monotonic } from './model.ts';
import type { ReadyRule } from './rules.ts';
import { bySpan, type PlacedSpan, START, type Writing, writeSpans } from './spans.ts';

export type WindowRule = ReadyRule & { readonly kind: 'finder' };

/** A text that is rewritten while it comes in. All offsets are those of the whole text, in UTF-16 units. */
export interface Window {
  push(piece: string): string;
  end(): { readonly text: string; readonly matched: readonly Matched[] };
}

/**
 * So many folded characters from a place on say whether a match starts there, and which. One behind it always: accents that
 * belong to its last letter may still come.
 */
export const neededFor = ({ longest, after }: Finder): number => (longest ?? Infinity) + Math.max(after, 1);

interface Progress {
  readonly ready: WindowRule;
  readonly needed: number;
  /** Whether a match starts before this offset is known, and the matches are; none that overlaps the last can follow. */
  known: number;
  count: number;
}

/**
 * Each rule is asked again for the places that are not known yet, with as many characters before them as it looks back to; what may
 * leave is what stands before the first place that some rule does not know. Each piece is folded once. What folds to nothing makes no
 * place known, and costs no search: thousands of marks wait with the text around them, as all of it would in a buffer.
 */
export function openWindow(
  rules: readonly WindowRule[],
  may: MayMatch,
  given: Pick<FoldedText, 'today' | 'language'>,
  now: Monotonic,
): Window {
  const all: Progress[] = rules.map((ready) => ({ ready, needed: neededFor(ready.finder), known: 0, count: 0 }));
  const along = all.filter(({ ready }) => readAlong(ready));
  const folding = openFolding();
  let base = 0;
  let tail = '';
  let half = '';
  let pending: PlacedSpan[] = [];
  let writing: Writing = START;

  const advance = (isEnd: boolean, allowed: Allowance): string => {
    const text = { text: tail, ...folding.read(), from: 0, isStart: base === 0, isEnd, ...given };
    const due = all
      .map((rule) => ({ rule, frontier: isEnd ? base + tail.length : frontierOf(text, rule) }))
      .filter(({ rule, frontier }) => frontier > rule.known);
    if (due.length === 0 && !isEnd) return '';
    const [first] = rules;
    const readFrom = foldedFrom(text, leastKnown(along));
    const possible = first === undefined ? [] : forAll(first, allowed, () => may(text, readFrom));
    for (const { rule, frontier } of due) {
      if (possible.includes(rule.ready)) pending.push(...find(text, rule, frontier, allowed));
      rule.known = Math.max(rule.known, frontier);
    }
    const until = isEnd ? base + tail.length : leastKnown(all);
    const ready = pending.filter(({ start }) => start < until).toSorted(bySpan);
    pending = pending.filter(({ start }) => start >= until);
    const { out, writing: next } = writeSpans(tail, base, writing, until, ready);
    writing = next;
    forget(text);
    return out;
  };

  const foldOn = (piece: string, allowed: Allowance): void => {
    const [first] = rules;
    if (first !== undefined) forAll(first, allowed, () => folding.add(piece));
  };

  const find = (text: FoldedText, rule: Progress, frontier: number, allowed: Allowance): PlacedSpan[] => {
    const from = foldedFrom(text, rule.known);
    const { finder, rule: of } = rule.ready;
    const spans = withinLimit(of, allowed, (stillAllowed) => finder.find({ ...text, from }, stillAllowed));
    const found = spans.map((span) => placed(rule.ready, span)).filter(({ start }) => start < frontier);
    rule.count += found.length;
    rule.known = Math.max(rule.known, found.at(-1)?.end ?? 0);
    return found;
  };

  const forget = (text: FoldedText): void => {
    const units = Math.min(
      foldedFrom(text, writing.written),
      ...all.map(({ ready, known }) => Math.max(0, foldedFrom(text, known) - ready.finder.before)),
    );
    const keep = Math.min(writing.written, text.origin[units] ?? 0) - base;
    folding.forget(units);
    if (keep <= 0) return;
    base += keep;
    tail = tail.slice(keep);
  };

  return {
    push: (piece) => {
      const text = half + piece;
      half = endsInHalf(text) ? text.slice(-1) : '';
      const whole = half === '' ? text : text.slice(0, -1);
      tail += whole;
      const allowed = allowance(now);
      foldOn(whole, allowed);
      return advance(false, allowed);
    },
    end: () => {
      tail += half;
      const allowed = allowance(now);
      foldOn(half, allowed);
      half = '';
      const text = advance(true, allowed);
      const matched = all.filter(({ count }) => count > 0).map(({ ready, count }) => ({ ready, spans: [], count }));
      return { text, matched };
    },
  };
}

function leastKnown(rules: readonly Progress[]): number {
  let least = Infinity;
  for (const { known } of rules) if (known < least) least = known;
  return least;
}

/** The first offset from which on a match may depend on what is still to come. */
function frontierOf({ folded, origin }: FoldedText, { needed }: Progress): number {
  const known = folded.length - needed + 1;
  return known <= 0 ? 0 : (origin[known] ?? 0);
}

const endsInHalf = (text: string): boolean => (text.charCodeAt(text.length - 1) & 0xfc00) === 0xd800;
