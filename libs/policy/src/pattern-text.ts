import { foldPoint } from './fold.ts';

// What can be said of a pattern by reading it: how large its program would be, before anything is spent on making it; and the same
// pattern for folded text. Both in one pass over its letters.

export interface ReadPattern {
  /** For folded text: each letter outside of a class as it is read there, and in a class beside it. */
  readonly pattern: string;
  /** Of the program, about; and what repeats with a count add to it, each of which costs time at every place of a text. */
  readonly size: number;
  readonly copies: number;
}

const COUNTED = /\{(\d+)(?:,(\d*))?\}/y;
const ESCAPE = /\\(?:x\{[0-9A-Fa-f]*\}|x[0-9A-Fa-f]{2}|[pP]\{[^}]*\}|[pP].|[0-7]{1,3}|[^])/uy;
const OPENED = /\((?:\?(?:P?<[^>]*>|[A-Za-z-]*:))?/y;
const FLAGS = /\(\?[A-Za-z-]*\)/y;
const CLASS_OF_MANY = /\[:\^?[a-z]+:\]|\\[pP](?:\{[^}]*\}|.)|\\[dDsSwW]/uy;
const QUOTED = /\\Q([^]*?)(?:\\E|$)/y;

const at = (expression: RegExp, text: string, index: number): RegExpExecArray | null => {
  expression.lastIndex = index;
  return expression.exec(text);
};

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
        out += foldedLiteral(letter, ignoreCase, true);
        add(ONE);
      }
    } else if (point === '\\') {
      take(at(ESCAPE, pattern, index)?.[0] ?? '\\');
      add(ONE);
    } else if (point === '[') {
      const { text, next } = readClass(pattern, index);
      index = next;
      out += text;
      add(ONE);
    } else if (flags) {
      // What repeats behind them repeats what stands before them.
      take(flags[0]);
    } else if (opened) {
      take(opened[0]);
      open.push({ all: 2, once: 2 });
    } else if (point === ')') {
      take(point);
      const group = open.length > 1 ? (open.pop() ?? NOTHING) : NOTHING;
      add(group);
    } else if (counted) {
      take(counted[0]);
      const times = Math.max(Number(counted[1]), Number(counted[2] || 0), 1);
      grow({ all: atom.all * (times - 1), once: 0 });
    } else if ('*+?'.includes(point)) {
      take(point);
      grow(ONE);
    } else {
      index += point.length;
      out += point > '\u007F' ? foldedLiteral(point, ignoreCase, false) : point;
      add(ONE);
    }
  }
  const whole = open.reduce(plus, NOTHING);
  return { pattern: out, size: whole.all, copies: whole.all - whole.once };
}

interface Size {
  readonly all: number;
  readonly once: number;
}
const NOTHING: Size = { all: 0, once: 0 };
const ONE: Size = { all: 1, once: 1 };
const plus = (one: Size, other: Size): Size => ({ all: one.all + other.all, once: one.once + other.once });

const quote = (text: string): string => text.replace(/[^\p{L}\p{N}\p{M}]/gu, (it) => (it <= '\u007F' ? `\\${it}` : it));

/** A letter that folding changes, as what it becomes: in both cases, since capitals can have look-alikes that small ones have not. */
function foldedLiteral(point: string, ignoreCase: boolean, quoted: boolean): string {
  if (point <= '\u007F') return quoted ? quote(point) : point;
  const cases = ignoreCase ? [point, point.toLowerCase(), point.toUpperCase()] : [point];
  const forms = [...new Set(cases.map((it) => Array.from(it, foldPoint).join('')))].filter((it) => it !== '');
  if (forms.length === 0) return '(?:)';
  const [only = ''] = forms;
  return forms.length === 1 && only === point ? quote(point) : `(?:${forms.map(quote).join('|')})`;
}

/** A class, with what its single letters become beside them. Ranges stay as they are. */
function readClass(pattern: string, from: number): { readonly text: string; readonly next: number } {
  let index = from + 1;
  let text = '[';
  const take = (item: string, plain: string): void => {
    index += item.length;
    text += plain;
  };
  if (pattern[index] === '^') take('^', '^');
  for (let first = index; index < pattern.length && (pattern[index] !== ']' || index === first);) {
    const many = at(CLASS_OF_MANY, pattern, index)?.[0];
    const item = many ?? itemAt(pattern, index);
    const isRange =
      pattern[index + item.length] === '-' &&
      !/^-?$|^-\]/.test(pattern.slice(index + item.length, index + item.length + 2));
    if (many !== undefined) take(many, many);
    else if (isRange) {
      const range = `${item}-${itemAt(pattern, index + item.length + 1)}`;
      take(range, range);
    } else take(item, withFolded(item));
  }
  return { text: `${text}]`, next: index + 1 };
}

const itemAt = (pattern: string, index: number): string =>
  at(ESCAPE, pattern, index)?.[0] ?? String.fromCodePoint(pattern.codePointAt(index) ?? 0);

function withFolded(item: string): string {
  const plain = item.startsWith('\\') ? item : foldPoint(item);
  return plain !== item && /^[\p{L}\p{N}\p{P}]$/u.test(plain) ? item + quote(plain) : item;
}
