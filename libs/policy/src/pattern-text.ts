import { at, ESCAPE, readClass } from './pattern-class.ts';
import { foldedLetter, letterOf, quote } from './pattern-letters.ts';
import { RANGES_A_STEP, rangesIn } from './pattern-ranges.ts';

// What can be said of a pattern by reading it: how large its program would be, before anything is spent on making it; and the same
// pattern for folded text. Both in one pass over its letters.

export interface ReadPattern {
  /** For folded text: each letter outside of a class as it is read there, and in a class beside it. */
  readonly pattern: string;
  /** Of the program, about, ranges of classes included; and what repeats with a count add to it, each of which costs time at every place of a text. */
  readonly size: number;
  readonly copies: number;
}

const COUNTED = /\{(\d+)(?:,(\d*))?\}/y;
const OPENED = /\((?:\?(?:P?<[^>]*>|[A-Za-z-]*:))?/y;
const FLAGS = /\(\?[A-Za-z-]*\)/y;
const QUOTED = /\\Q([^]*?)(?:\\E|$)/y;

export function readPattern(pattern: string, ignoreCase: boolean): ReadPattern {
  let out = '';
  // Of each open group, and of the atom before a repeat: instructions, and how many there would be without any counts.
  const open: Size[] = [NOTHING];
  let atom = NOTHING;
  const add = (size: Size): void => {
    atom = size;
    open[open.length - 1] = plus(open.at(-1) ?? NOTHING, size);
  };
  const grow = (more: Size): void => {
    atom = plus(atom, more);
    open[open.length - 1] = plus(open.at(-1) ?? NOTHING, more);
  };
  let index = 0;
  const take = (text: string): void => {
    index += text.length;
    out += text;
  };
  while (index < pattern.length) {
    const quoted = at(QUOTED, pattern, index);
    const counted = at(COUNTED, pattern, index);
    const flags = at(FLAGS, pattern, index);
    const opened = at(OPENED, pattern, index);
    const point = String.fromCodePoint(pattern.codePointAt(index) ?? 0);
    if (quoted) {
      index += quoted[0].length;
      for (const letter of quoted[1] ?? '') {
        const { text, units } = foldedLetter(letter, ignoreCase, quote(letter));
        out += text;
        add(sizeOf(units));
      }
    } else if (point === '\\') {
      const escape = at(ESCAPE, pattern, index)?.[0] ?? '\\';
      index += escape.length;
      const letter = letterOf(escape);
      const { text, units } = letter === null ? { text: escape, units: 1 } : foldedLetter(letter, ignoreCase, escape);
      out += text;
      add({ ...sizeOf(units), ranges: rangesIn(escape) });
    } else if (point === '[') {
      const { text, next, units } = readClass(pattern, index, ignoreCase);
      const ranges = rangesIn(pattern.slice(index, next));
      index = next;
      out += text;
      add({ ...sizeOf(units), ranges });
    } else if (flags) {
      // What repeats behind them repeats what stands before them.
      take(flags[0]);
    } else if (opened) {
      take(opened[0]);
      open.push(sizeOf(2));
    } else if (point === ')') {
      take(point);
      const group = open.length > 1 ? (open.pop() ?? NOTHING) : NOTHING;
      add(group);
    } else if (counted) {
      take(counted[0]);
      const times = Math.max(Number(counted[1]), Number(counted[2] || 0), 1);
      grow({ all: atom.all * (times - 1), once: 0, ranges: atom.ranges * (times - 1) });
    } else if ('*+?'.includes(point)) {
      take(point);
      grow(ONE);
    } else {
      index += point.length;
      const { text, units } = foldedLetter(point, ignoreCase, point);
      out += text;
      add(sizeOf(units));
    }
  }
  const whole = open.reduce(plus, NOTHING);
  return { pattern: out, size: whole.all + Math.ceil(whole.ranges / RANGES_A_STEP), copies: whole.all - whole.once };
}

interface Size {
  readonly all: number;
  readonly once: number;
  readonly ranges: number;
}
const sizeOf = (units: number): Size => ({ all: units, once: units, ranges: 0 });
const NOTHING = sizeOf(0);
const ONE = sizeOf(1);
const plus = (one: Size, other: Size): Size => ({
  all: one.all + other.all,
  once: one.once + other.once,
  ranges: one.ranges + other.ranges,
});
