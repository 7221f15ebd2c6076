import { shortened } from './visible.ts';

/** How much of what is the same stands on each side of what differs. */
const CONTEXT = 24;
const MOST = 120;

/** The part in which two texts differ, with a little of what is the same around it. */
export function differenceText(expected: string, actual: string): string {
  const most = Math.min(expected.length, actual.length);
  let start = 0;
  while (start < most && expected[start] === actual[start]) start += 1;
  let end = 0;
  while (end < most - start && expected.at(-1 - end) === actual.at(-1 - end)) end += 1;
  return `expected ${partOf(expected, start, end)}, got ${partOf(actual, start, end)}`;
}

function partOf(text: string, start: number, end: number): string {
  const from = start > CONTEXT ? start - CONTEXT : 0;
  const to = end > CONTEXT ? text.length - end + CONTEXT : text.length;
  const part = withLineEnds(shortened(text.slice(from, to), MOST));
  return `“${from > 0 ? '…' : ''}${part}${to < text.length ? '…' : ''}”`;
}

/** On one line, with ends of lines as a sign that people read; that sign, where it is the text's own, is spelt. */
const withLineEnds = (text: string): string => text.replaceAll('⏎', '\\u{23CE}').replaceAll('\n', '⏎');

export interface DiffLine {
  readonly kind: 'same' | 'removed' | 'added';
  readonly text: string;
}

/**
 * How many pairs of lines may still be compared, of all texts of one difference; a text that would need more stands whole before the
 * other. A policy has room for hundreds of texts, and a node shows the difference in the process that answers clinics.
 */
export interface PairsLeft {
  pairs: number;
}
const MOST_PAIRS = 1_000_000;
export const allPairs = (): PairsLeft => ({ pairs: MOST_PAIRS });

/** Two texts line by line: the fewest lines removed and added that make the second of the first. */
export function diffLines(from: string, to: string, left: PairsLeft = allPairs()): DiffLine[] {
  const [a, b] = [linesOf(from), linesOf(to)];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
  return [
    ...a.slice(0, head).map(as('same')),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail), left),
    ...a.slice(a.length - tail).map(as('same')),
  ];
}

const linesOf = (text: string): string[] => (text === '' ? [] : text.split('\n'));
const as =
  (kind: DiffLine['kind']) =>
  (text: string): DiffLine => ({ kind, text });

function middle(a: readonly string[], b: readonly string[], left: PairsLeft): DiffLine[] {
  const pairs = a.length * b.length;
  if (pairs > left.pairs) return [...a.map(as('removed')), ...b.map(as('added'))];
  left.pairs -= pairs;
  // At i and j: the most lines that a from i and b from j have in common, in order. One row of it is one longer than b.
  const width = b.length + 1;
  const common = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      common[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ kind: 'same', text: a[i] ?? '' });
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ kind: 'removed', text: a[i] ?? '' });
      i += 1;
    } else {
      lines.push({ kind: 'added', text: b[j] ?? '' });
      j += 1;
    }
  }
  return lines;
}
