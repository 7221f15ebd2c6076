import { RE2JS } from 're2js';
import { rangesOfProgram } from './program.ts';

// `\pL` is one instruction, and some 700 ranges of letters: what a pattern takes in memory, and to make, goes by those.

/** So many ranges take as much as one instruction, about. */
export const RANGES_A_STEP = 16;

const PROPERTY = /\\[pP](?:\{[^}]*\}|[^])/gu;

/** As many as Unicode has properties, whatever patterns ask for: of a name that is none nothing is kept. */
const known = new Map<string, number>();

/** Of an escape outside of a class, or of a class as it is written; about, and before anything is made of it. */
export const rangesIn = (written: string): number =>
  [...written.matchAll(PROPERTY)].reduce((sum, [property]) => sum + rangesOf(property), written.length >> 1);

function rangesOf(property: string): number {
  const before = known.get(property);
  if (before !== undefined) return before;
  try {
    const ranges = Math.max(...['', '(?i)'].map((flags) => rangesOfProgram(RE2JS.compile(flags + property))));
    known.set(property, ranges);
    return ranges;
  } catch {
    // No property: the pattern is refused for it.
    return 0;
  }
}
