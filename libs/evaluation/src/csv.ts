/** A row and the line of the file that it starts on, counted from 1; a quoted field may run over several. */
export interface CsvRow {
  readonly line: number;
  readonly fields: readonly string[];
}

/** Why a text is not CSV. Nothing of the text is in it. */
export interface CsvProblem {
  readonly code: 'quoteNotClosed' | 'quoteInsideField' | 'textAfterQuote';
  readonly line: number;
}

const QUOTE = '"';

/**
 * Reads RFC 4180: quoted fields, doubled quotes, lines ended by CRLF or LF, a byte order mark at the start. A quote
 * anywhere else is refused, since guessing would shift columns. Empty lines are left out.
 */
export function parseCsv(text: string): { readonly rows: readonly CsvRow[] } | { readonly problem: CsvProblem } {
  const rows: CsvRow[] = [];
  let at = text.startsWith('\uFEFF') ? 1 : 0;
  let line = 1;
  while (at < text.length) {
    const row = readRow(text, at, line);
    if ('problem' in row) return row;
    if (row.fields.length > 1 || row.fields[0] !== '') rows.push({ line, fields: row.fields });
    at = row.end;
    line = row.nextLine;
  }
  return { rows };
}

type ReadRow =
  | { readonly fields: readonly string[]; readonly end: number; readonly nextLine: number }
  | { readonly problem: CsvProblem };

function readRow(text: string, start: number, firstLine: number): ReadRow {
  const fields: string[] = [];
  let at = start;
  let line = firstLine;
  for (;;) {
    let field: string;
    if (text[at] === QUOTE) {
      const close = closingQuote(text, at + 1);
      if (close < 0) return { problem: { code: 'quoteNotClosed', line } };
      field = text.slice(at + 1, close).replaceAll('""', QUOTE);
      line += field.split('\n').length - 1;
      at = close + 1;
      if (!endsField(text, at)) return { problem: { code: 'textAfterQuote', line } };
    } else {
      const end = endOfField(text, at);
      field = text.slice(at, end);
      if (field.includes(QUOTE)) return { problem: { code: 'quoteInsideField', line } };
      at = end;
    }
    fields.push(field);
    if (text[at] === ',') at += 1;
    else return { fields, end: at + (text[at] === '\r' ? 2 : 1), nextLine: line + 1 };
  }
}

function closingQuote(text: string, from: number): number {
  let at = text.indexOf(QUOTE, from);
  while (at >= 0 && text[at + 1] === QUOTE) at = text.indexOf(QUOTE, at + 2);
  return at;
}

const endsField = (text: string, at: number): boolean =>
  at >= text.length || text[at] === ',' || text[at] === '\n' || (text[at] === '\r' && text[at + 1] === '\n');

function endOfField(text: string, from: number): number {
  let at = from;
  while (!endsField(text, at)) at++;
  return at;
}
