import { LOOK_ALIKES } from './look-alikes.ts';
import type { FoldedText } from './model.ts';

// Marks that are not seen: format and direction marks, soft hyphens, joiners, variation selectors, fillers.
const UNSEEN = /[\p{Cf}\p{Variation_Selector}\u034F\u115F\u1160\u17B4\u17B5\u3164\uFFA0]/u;
const ALIKE = new RegExp(`[${[...LOOK_ALIKES.keys()].join('')}]`, 'u');
// eslint-disable-next-line no-control-regex
const BEYOND_ASCII = /[^\u0000-\u007F]/;
// eslint-disable-next-line no-control-regex
const BEYOND_ASCII_EACH = /[^\u0000-\u007F]/gu;

/** How rules read one code point. It may become several, or nothing. */
export function foldPoint(point: string): string {
  if (point <= '\u007F') return point;
  if (UNSEEN.test(point)) return '';
  const alike = LOOK_ALIKES.get(point);
  if (alike !== undefined) return alike;
  const plain = point.normalize('NFKC');
  if (UNSEEN.test(plain) || ALIKE.test(plain)) {
    return Array.from(plain, (it) => (UNSEEN.test(it) ? '' : (LOOK_ALIKES.get(it) ?? it))).join('');
  }
  return plain;
}

/** The text as rules read it, without the way back. */
export const folded = (text: string): string => (isPlain(text) ? text : Array.from(text, foldPoint).join(''));

// What is in normal form as a whole has no code point that is not, so most texts are found to be their own folded form at once.
const isPlain = (text: string): boolean =>
  !BEYOND_ASCII.test(text) || (!UNSEEN.test(text) && !ALIKE.test(text) && text.normalize('NFKC') === text);

export type Circumstances = Pick<FoldedText, 'today' | 'language'> &
  Partial<Pick<FoldedText, 'from' | 'isStart' | 'isEnd'>>;

export function fold(text: string, given: Circumstances): FoldedText {
  return { from: 0, isStart: true, isEnd: true, ...given, ...(isPlain(text) ? identity(text) : mapped(text)) };
}

type Mapped = Pick<FoldedText, 'text' | 'folded' | 'origin' | 'originEnd'>;

function mapped(text: string): Mapped {
  const parts: string[] = [];
  let written = 0;
  const origin: number[] = [];
  const originEnd: number[] = [];
  let at = 0;
  for (const { 0: point, index } of text.matchAll(BEYOND_ASCII_EACH)) {
    for (; at < index; at += 1) originEnd[origin.push(at) - 1] = at + 1;
    const end = index + point.length;
    const plain = foldPoint(point);
    for (let unit = 0; unit < plain.length; unit += 1) originEnd[origin.push(index) - 1] = end;
    parts.push(text.slice(written, index), plain);
    written = at = end;
  }
  for (; at < text.length; at += 1) originEnd[origin.push(at) - 1] = at + 1;
  parts.push(text.slice(written));
  origin.push(text.length);
  return { text, folded: parts.join(''), origin, originEnd };
}

// One table for all texts that are their own folded form, each with a view of its own; a code point of two units begins and ends as
// a whole in both.
const IDENTITY_SIZE = 8_192;
const starts = Int32Array.from({ length: IDENTITY_SIZE }, (_, at) => at);
const ends = starts.subarray(1);
const SURROGATE = /[\uD800-\uDFFF]/;

function identity(text: string): Mapped {
  if (text.length < IDENTITY_SIZE && !SURROGATE.test(text))
    return { text, folded: text, origin: starts.subarray(), originEnd: ends };
  const origin = new Int32Array(text.length + 1);
  const originEnd = new Int32Array(text.length);
  let at = 0;
  while (at < text.length) {
    const end = at + ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
    origin.fill(at, at, end);
    originEnd.fill(end, at, end);
    at = end;
  }
  origin[text.length] = text.length;
  return { text, folded: text, origin, originEnd };
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
