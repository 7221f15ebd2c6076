import type { Span } from './model.ts';

/** A span of one rule, on its way into the text: `order` is the rule's place in the policy. */
export interface PlacedSpan extends Span {
  readonly order: number;
  readonly put: string;
}

/** The earlier start first; on a tie, the earlier rule. */
export const bySpan = (one: PlacedSpan, other: PlacedSpan): number =>
  one.start - other.start || one.order - other.order;

/**
 * Where the writing of a text stands. `written` is the offset up to which it is decided; below `hiddenTo` it is behind what was put
 * in its place already. The next stretch goes on from here, so that a text in parts becomes what it becomes whole.
 */
export interface Writing {
  readonly written: number;
  readonly hiddenTo: number;
}

export const START: Writing = { written: 0, hiddenTo: 0 };

/**
 * Writes the text up to `until`, with what rules put in the place of their spans. `spans` are all that start in [written, until),
 * in the order of `bySpan`. Of spans that overlap the first is put; one that reaches over its end hides more, and puts nothing. The
 * offsets are those of the whole text, of which `text` begins at `base`.
 */
export function writeSpans(
  text: string,
  base: number,
  { written, hiddenTo }: Writing,
  until: number,
  spans: readonly PlacedSpan[],
): { readonly out: string; readonly writing: Writing } {
  let out = '';
  let at = Math.max(written, hiddenTo);
  let hidden = hiddenTo;
  for (const { start, end, put } of spans) {
    if (start < hidden) {
      hidden = Math.max(hidden, end);
    } else {
      out += text.slice(at - base, start - base) + put;
      hidden = end;
    }
    at = hidden;
  }
  if (at < until) out += text.slice(at - base, until - base);
  return { out, writing: { written: Math.max(until, written), hiddenTo: hidden } };
}
