import { digestOfBytes } from '@openward/contracts';

// Which chunks of a partial file are durable. Lines of text, each with a check of its own, appended after the data that they
// speak of was synced. A line that a crash tore ends the journal: what stands before it holds, what it said is fetched again.
//
//   <16 hexadecimal digits of its SHA-256> <+ or -><from>-<to>,<index>,…

export type JournalEntry = { readonly kind: 'done' | 'forgotten'; readonly indices: readonly number[] };

const checkOf = (text: string): string => digestOfBytes(text).slice('sha256:'.length, 'sha256:'.length + 16);

export function encodeEntry({ kind, indices }: JournalEntry): string {
  const ranges: string[] = [];
  const sorted = indices.toSorted((a, b) => a - b);
  for (let i = 0; i < sorted.length;) {
    const from = sorted[i]!;
    let to = from;
    for (i += 1; i < sorted.length && sorted[i]! <= to + 1; i += 1) to = sorted[i]!;
    ranges.push(from === to ? `${from}` : `${from}-${to}`);
  }
  const text = `${kind === 'done' ? '+' : '-'}${ranges.join(',')}`;
  return `${checkOf(text)} ${text}\n`;
}

/** The set that a journal tells of a file of `count` chunks, and how many of its bytes are whole lines. */
export function decodeJournal(journal: string, count: number): { done: Set<number>; bytes: number } {
  const done = new Set<number>();
  let bytes = 0;
  for (const line of journal.split('\n').slice(0, -1)) {
    const match = /^([0-9a-f]{16}) ([+-])([0-9,-]+)$/.exec(line);
    if (!match || checkOf(`${match[2]}${match[3]}`) !== match[1]) break;
    for (const range of match[3]!.split(',')) {
      const [from, to = from] = range.split('-').map(Number) as [number, number?];
      if (to >= count) return { done: new Set(), bytes: 0 };
      for (let index = from; index <= to; index += 1) {
        if (match[2] === '+') done.add(index);
        else done.delete(index);
      }
    }
    bytes += line.length + 1;
  }
  return { done, bytes };
}
