import { foldPoint } from './fold.ts';

// Letters of a pattern, as they are in folded text.

/** Of a part of a pattern: what stands for it, and about how many instructions that has. */
export interface FoldedPart {
  readonly text: string;
  readonly units: number;
}

export const quote = (text: string): string =>
  text.replace(/[^\p{L}\p{N}\p{M}]/gu, (it) => (it <= '\u007F' ? `\\${it}` : it));

/** The letter beyond ASCII that an escape spells (`\xE9`, `\x{e9}`), else null. */
export function letterOf(escape: string): string | null {
  const hex = /^\\x(?:\{([0-9A-Fa-f]{1,8})\}|([0-9A-Fa-f]{2}))$/.exec(escape);
  const code = hex === null ? 0 : Number.parseInt(hex[1] ?? hex[2] ?? '0', 16);
  return code < 0x80 || code > 0x10ffff ? null : String.fromCodePoint(code);
}

/** What a letter becomes: in both cases where both are asked for, since capitals can have look-alikes that small ones have not. */
export function formsOf(point: string, ignoreCase: boolean): readonly string[] {
  const cases = ignoreCase ? [point, point.toLowerCase(), point.toUpperCase()] : [point];
  const forms = new Map<string, string>();
  for (const one of cases) {
    const plain = Array.from(one, foldPoint).join('');
    const key = ignoreCase ? plain.toLowerCase() : plain;
    if (plain !== '' && !forms.has(key)) forms.set(key, plain);
  }
  return [...forms.values()];
}

/** A letter outside of a class; `written` is how it stands in the pattern, and stays where folding changes nothing. */
export function foldedLetter(point: string, ignoreCase: boolean, written: string): FoldedPart {
  if (point <= '\u007F') return { text: written, units: 1 };
  const forms = formsOf(point, ignoreCase);
  const [only = ''] = forms;
  if (forms.length === 0) return { text: '(?:)', units: 1 };
  if (forms.length === 1 && only === point) return { text: written, units: 1 };
  const units = forms.reduce((sum, it) => sum + it.length, 0) + forms.length - 1;
  return { text: `(?:${forms.map(quote).join('|')})`, units };
}
