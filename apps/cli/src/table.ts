import { stripVTControlCharacters } from 'node:util';

/** Two blanks between columns, a head in capitals, nothing at the end of a line: easy to read, and to cut. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head.map((name) => name.toUpperCase()), ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => width(row[column] ?? ''))));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - width(cell))))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** Names and values of one thing, a line each. */
export function facts(pairs: readonly (readonly [string, string])[]): string {
  const widest = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(widest)}  ${value}`.trimEnd() + '\n').join('');
}

const letters = new Intl.Segmenter();
const width = (text: string): number => [...letters.segment(stripVTControlCharacters(text))].length;
