import type { Pattern } from './patterns.ts';
import { ASCII, MOST_OPENINGS, type Openings, waysToBegin } from './program.ts';

/** Ways to begin that are looked for at once: a bit each. */
const AT_ONCE = 32;
const MOST_WAYS = 16;
const CODES = ASCII + 1;

/**
 * Whether a match of any of these patterns may begin anywhere in a folded text, by its first characters. Nearly no place of a text begins
 * as the patterns of a policy do, and these tables stay in the processor's cache where those of an automaton do not.
 */
export function mayBegin(patterns: readonly Pattern[]): (folded: string) => boolean {
  // What looks behind itself is not told by what it begins with.
  const ways = patterns.flatMap(({ anchored, expression }) => (anchored ? [[]] : waysToBegin(expression, MOST_WAYS)));
  const tables = Array.from({ length: Math.ceil(ways.length / AT_ONCE) }, (_, at) =>
    tableOf(ways.slice(at * AT_ONCE, (at + 1) * AT_ONCE)),
  );
  return (folded) => tables.some((table) => beginsIn(table, folded));
}

/** By place and code, the ways that may have such a character there. */
function tableOf(ways: readonly Openings[]): Int32Array {
  const table = new Int32Array(MOST_OPENINGS * CODES);
  for (const [at, openings] of ways.entries())
    for (let place = 0; place < MOST_OPENINGS; place += 1)
      for (let code = 0; code < CODES; code += 1)
        if ((openings[place]?.[code] ?? 1) === 1) table[place * CODES + code]! |= 1 << at;
  return table;
}

function beginsIn(table: Int32Array, text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (beginsAt(table, text, at)) return true;
  return false;
}

function beginsAt(table: Int32Array, text: string, at: number): boolean {
  let may = -1;
  for (let place = 0; place < MOST_OPENINGS; place += 1) {
    const code = text.charCodeAt(at + place);
    // Behind the text's end stands nothing; to take it for something beyond ASCII leaves out no pattern that is shorter.
    may &= table[place * CODES + (code < ASCII ? code : ASCII)] ?? 0;
    if (may === 0) return false;
    if (code >= ASCII) return true;
  }
  return true;
}
