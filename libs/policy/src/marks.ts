import type { PlacedSpan } from './spans.ts';
import type { ReadyRule } from './rules.ts';
import type { Matched } from './matching.ts';
import type { Span } from './model.ts';

/** Whether a rule puts something in the place of its matches. */
export const rewrites = ({ rule }: ReadyRule): boolean =>
  rule.action.does === 'redact' || rule.action.does === 'replace';

/** What a rule puts in the place of one match; the finder's own word goes before the marker, not before a replacement. */
export function placed({ rule, order }: ReadyRule, { start, end, instead }: Span): PlacedSpan {
  const { action } = rule;
  const put =
    action.does === 'redact' ? (instead ?? action.marker) : action.does === 'replace' ? action.replacement : '';
  return { start, end, order, put };
}

export const placedSpans = (matched: readonly Matched[]): PlacedSpan[] =>
  matched
    .filter(({ ready }) => rewrites(ready))
    .flatMap(({ ready, spans }) => spans.map((span) => placed(ready, span)));
