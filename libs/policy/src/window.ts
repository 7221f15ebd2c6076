import { fold, foldedFrom } from './fold.ts';
import { placed } from './marks.ts';
import { type Allowance, allowance, type Matched, withinLimit } from './matching.ts';
import type { MayMatch } from './may-match.ts';
import type { FoldedText, Monotonic } from './model.ts';
import type { ReadyRule } from './rules.ts';
import { bySpan, type PlacedSpan, START, type Writing, writeSpans } from './spans.ts';

export type WindowRule = ReadyRule & { readonly kind: 'finder' };

/** A text that is rewritten while it comes in. All offsets are those of the whole text, in UTF-16 units. */
export interface Window {
  push(piece: string): string;
  end(): { readonly text: string; readonly matched: readonly Matched[] };
}

interface Progress {
  readonly ready: WindowRule;
  readonly longest: number;
  /** Whether a match starts before this offset is known, and the matches are; none that overlaps the last can follow. */
  known: number;
  count: number;
}

/**
 * Whether a match starts at a place is known when `longest + after` characters from there are. Each rule is asked again for the
 * places that are not known yet, with as many characters before them as it looks back to; what may leave is what stands before
 * the first place that some rule does not know.
 */
export function openWindow(
  rules: readonly WindowRule[],
  may: MayMatch,
  given: Pick<FoldedText, 'today' | 'language'>,
  now: Monotonic,
): Window {
  const all: Progress[] = rules.map((ready) => ({
    ready,
    longest: ready.finder.longest ?? Infinity,
    known: 0,
    count: 0,
  }));
  let base = 0;
  let tail = '';
  let half = '';
  let pending: PlacedSpan[] = [];
  let writing: Writing = START;

  const advance = (isEnd: boolean): string => {
    const text = fold(tail, { ...given, isStart: base === 0, isEnd });
    const allowed = allowance(now);
    let mightMatch: ReturnType<MayMatch> | null = null;
    for (const rule of all) {
      const frontier = base + frontierOf(text, rule, isEnd);
      if (frontier <= rule.known) continue;
      mightMatch ??= may(text.folded);
      if (mightMatch(rule.ready)) pending.push(...find(text, rule, frontier, allowed));
      rule.known = Math.max(rule.known, frontier);
    }
    const until = isEnd ? base + tail.length : Math.min(...all.map(({ known }) => known));
    const ready = pending.filter(({ start }) => start < until).toSorted(bySpan);
    pending = pending.filter(({ start }) => start >= until);
    const { out, writing: next } = writeSpans(tail, base, writing, until, ready);
    writing = next;
    forget(text);
    return out;
  };

  const find = (text: FoldedText, rule: Progress, frontier: number, allowed: Allowance): PlacedSpan[] => {
    const from = foldedFrom(text, rule.known - base);
    const { finder, rule: of } = rule.ready;
    const spans = withinLimit(of, allowed, (stillAllowed) => finder.find({ ...text, from }, stillAllowed));
    const found = spans
      .map((span) => placed(rule.ready, { ...span, start: base + span.start, end: base + span.end }))
      .filter(({ start }) => start < frontier);
    rule.count += found.length;
    rule.known = Math.max(rule.known, found.at(-1)?.end ?? 0);
    return found;
  };

  const forget = (text: FoldedText): void => {
    const keep = Math.min(
      writing.written - base,
      ...all.map(({ ready, known }) => {
        const needed = Math.max(0, foldedFrom(text, known - base) - ready.finder.before);
        return text.origin[needed] ?? 0;
      }),
    );
    base += keep;
    tail = tail.slice(keep);
  };

  return {
    push: (piece) => {
      const text = half + piece;
      half = endsInHalf(text) ? text.slice(-1) : '';
      tail += half === '' ? text : text.slice(0, -1);
      return advance(false);
    },
    end: () => {
      tail += half;
      half = '';
      const text = advance(true);
      const matched = all.filter(({ count }) => count > 0).map(({ ready, count }) => ({ ready, spans: [], count }));
      return { text, matched };
    },
  };
}

/** The first offset, in what is there, from which on a match may depend on what is still to come. */
function frontierOf(text: FoldedText, { ready, longest }: Progress, isEnd: boolean): number {
  if (isEnd) return text.text.length;
  const known = text.folded.length - longest - ready.finder.after + 1;
  return known <= 0 ? 0 : (text.origin[known] ?? text.text.length);
}

const endsInHalf = (text: string): boolean => (text.charCodeAt(text.length - 1) & 0xfc00) === 0xd800;
