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
  const part = shortened(text.slice(from, to), MOST);
  return `“${from > 0 ? '…' : ''}${part}${to < text.length ? '…' : ''}”`;
}

export interface DiffLine {
  readonly kind: 'same' | 'removed' | 'added';
  readonly text: string;
}

/** Compared line by line above this, each side would cost its square; then all of one stands before all of the other. */
const MOST_LINES = 1_000;

/** Two texts line by line: the fewest lines removed and added that make the second of the first. */
export function diffLines(from: string, to: string): DiffLine[] {
  const [a, b] = [linesOf(from), linesOf(to)];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
  return [
    ...a.slice(0, head).map(as('same')),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...a.slice(a.length - tail).map(as('same')),
  ];
}

const linesOf = (text: string): string[] => (text === '' ? [] : text.split('\n'));
const as =
  (kind: DiffLine['kind']) =>
  (text: string): DiffLine => ({ kind, text });

function middle(a: readonly string[], b: readonly string[]): DiffLine[] {
  if (a.length > MOST_LINES || b.length > MOST_LINES) return [...a.map(as('removed')), ...b.map(as('added'))];
  // common[i][j]: the most lines that a from i and b from j have in common, in order.
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const here = a[i] === b[j] ? at(common, i + 1, j + 1) + 1 : Math.max(at(common, i + 1, j), at(common, i, j + 1));
      common[i]?.fill(here, j, j + 1);
    }
  }
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ kind: 'same', text: a[i] ?? '' });
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && at(common, i + 1, j) >= at(common, i, j + 1))) {
      lines.push({ kind: 'removed', text: a[i] ?? '' });
      i += 1;
    } else {
      lines.push({ kind: 'added', text: b[j] ?? '' });
      j += 1;
    }
  }
  return lines;
}

const at = (table: readonly Uint16Array[], i: number, j: number): number => table[i]?.[j] ?? 0;
