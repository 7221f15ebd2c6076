import { foldPoint } from './fold.ts';
import { type FoldedPart, formsOf, letterOf, quote } from './pattern-letters.ts';

const MANY = /\[:\^?[a-z]+:\]|\\[pP](?:\{[^}]*\}|.)|\\[dDsSwW]/uy;
export const ESCAPE = /\\(?:x\{[0-9A-Fa-f]*\}|x[0-9A-Fa-f]{2}|[pP]\{[^}]*\}|[pP].|[0-7]{1,3}|[^])/uy;

/** Wide ranges are of scripts or of everything: what they would become is no letter that their author meant. */
const WIDEST = 512;

export const at = (expression: RegExp, text: string, index: number): RegExpExecArray | null => {
  expression.lastIndex = index;
  return expression.exec(text);
};

/**
 * A class, with what its letters and those of its ranges become beside them, so that what it held it still holds: `[éè]` and `[à-ÿ]`
 * hold an `e`, with which those letters are alike. Where it is negated, ranges stay as they are: `[^à-ÿ]` still holds an `e`.
 */
export function readClass(pattern: string, from: number, ignoreCase: boolean): FoldedPart & { readonly next: number } {
  let index = from + 1;
  const isNegated = pattern[index] === '^';
  if (isNegated) index += 1;
  let text = isNegated ? '[^' : '[';
  const longer = new Set<string>();
  const beside = new Set<string>();
  for (let first = index; index < pattern.length && (pattern[index] !== ']' || index === first);) {
    const many = at(MANY, pattern, index)?.[0];
    const item = many ?? itemAt(pattern, index);
    index += item.length;
    text += item;
    if (many !== undefined) continue;
    const isRange = pattern[index] === '-' && !/^-?$|^-\]/.test(pattern.slice(index, index + 2));
    if (isRange) {
      const last = itemAt(pattern, index + 1);
      index += 1 + last.length;
      text += `-${last}`;
      if (!isNegated) for (const letter of lettersOfRange(pointOf(item), pointOf(last))) beside.add(letter);
      continue;
    }
    const point = pointOf(item);
    for (const form of point > '\u007F' ? formsOf(point, ignoreCase) : [])
      if (form !== point && isPlain(form)) (isOne(form) ? beside : longer).add(form);
  }
  // A hyphen at the end stands for itself, and makes no range with what is put behind it.
  if (beside.size > 0) text = text.replace(/(?<=.)-$/u, '\\-');
  // One that is never closed is not closed here: then it is refused, as it was written.
  const whole = `${text}${[...beside].map(quote).join('')}${index < pattern.length ? ']' : ''}`;
  const next = index + 1;
  if (isNegated || longer.size === 0) return { text: whole, units: 1, next };
  const others = [...longer].toSorted((one, other) => other.length - one.length);
  const units = others.reduce((sum, it) => sum + it.length + 1, 2);
  return { text: `(?:${[whole, ...others.map(quote)].join('|')})`, units, next };
}

const isPlain = (form: string): boolean => /^\S+$/.test(form);
const isOne = (form: string): boolean => form.length === String.fromCodePoint(form.codePointAt(0) ?? 0).length;

const itemAt = (pattern: string, index: number): string =>
  at(ESCAPE, pattern, index)?.[0] ?? String.fromCodePoint(pattern.codePointAt(index) ?? 0);

const pointOf = (item: string): string => (item.startsWith('\\') ? (letterOf(item) ?? '') : item);

/** What the letters and digits of a range become, each letter by itself: there a `ß` is two. */
function lettersOfRange(first: string, last: string): ReadonlySet<string> {
  const [from, to] = [first.codePointAt(0) ?? 0, last.codePointAt(0) ?? 0];
  const letters = new Set<string>();
  if (from < 0x80 || to - from >= WIDEST) return letters;
  for (let code = from; code <= to; code += 1) {
    const point = String.fromCodePoint(code);
    const plain = foldPoint(point);
    if (plain !== point && /^[\p{L}\p{Nd}]+$/u.test(plain) && /^[\p{L}\p{Nd}]$/u.test(point))
      for (const letter of plain) letters.add(letter);
  }
  return letters;
}
