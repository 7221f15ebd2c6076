// What a section hands over, and how it is shown: the same tables on a terminal and in docs/benchmarks.md.

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** One line of the design's budgets, beside what was measured. */
export interface Verdict {
  readonly what: string;
  readonly budget: string;
  readonly measured: string;
  readonly held: boolean;
}

export interface Section {
  readonly title: string;
  /** How it was measured: what a reader needs to judge the figures. */
  readonly notes: readonly string[];
  readonly tables: readonly Table[];
  readonly verdicts: readonly Verdict[];
}

export const verdictTable = (verdicts: readonly Verdict[]): Table => ({
  head: ['budget', 'measured', 'held'],
  rows: verdicts.map(({ what, budget, measured, held }) => [`${what}: ${budget}`, measured, held ? 'yes' : 'NO']),
});

/** For a terminal: columns of equal width, the first to the left and the others to the right. */
export function asText({ head, rows }: Table): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('   ');
  return [line(head), widths.map((width) => '─'.repeat(width)).join('───'), ...rows.map(line)]
    .map((text) => `  ${text.trimEnd()}`)
    .join('\n');
}

export function asMarkdown({ head, rows }: Table): string {
  const line = (row: readonly string[]): string => `| ${row.join(' | ')} |`;
  return [line(head), `|${head.map((_, i) => (i === 0 ? '---|' : '---:|')).join('')}`, ...rows.map(line)].join('\n');
}

export function sectionText({ title, notes, tables, verdicts }: Section): string {
  const parts = [`${title}\n${'═'.repeat(title.length)}`, ...notes.map(wrapped), ...tables.map(asText)];
  if (verdicts.length > 0) parts.push(asText(verdictTable(verdicts)));
  return parts.join('\n\n');
}

export function sectionMarkdown({ title, notes, tables, verdicts }: Section): string {
  const parts = [`## ${title}`, ...notes, ...tables.map(asMarkdown)];
  if (verdicts.length > 0) parts.push(asMarkdown(verdictTable(verdicts)));
  return parts.join('\n\n');
}

const WIDTH = 110;
function wrapped(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.length - 1;
    if (`${lines[last]} ${word}`.length > WIDTH) lines.push(word);
    else lines[last] = `${lines[last]} ${word}`.trimStart();
  }
  return lines.map((line) => `  ${line}`).join('\n');
}
