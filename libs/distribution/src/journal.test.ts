import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeJournal, encodeEntry, type JournalEntry } from './journal.ts';

const entry = fc.record({
  kind: fc.constantFrom('done' as const, 'forgotten' as const),
  indices: fc.uniqueArray(fc.nat(200), { minLength: 1, maxLength: 60 }),
});
const applied = (entries: readonly JournalEntry[]): Set<number> => {
  const done = new Set<number>();
  for (const { kind, indices } of entries) {
    for (const index of indices) {
      if (kind === 'done') done.add(index);
      else done.delete(index);
    }
  }
  return done;
};

describe('the journal of a partial file', () => {
  it('tells what its entries said, in their order', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 8 }), (entries) => {
        const journal = entries.map(encodeEntry).join('');
        expect(decodeJournal(journal, 201)).toEqual({ done: applied(entries), bytes: journal.length });
      }),
    );
  });

  it('torn at any place tells what stands before the tear, and where that ends', () => {
    fc.assert(
      fc.property(
        fc.array(entry, { minLength: 1, maxLength: 5 }),
        fc.nat(),
        fc.string({ maxLength: 5 }),
        (entries, at, junk) => {
          const lines = entries.map(encodeEntry);
          const whole = lines.join('');
          const torn = whole.slice(0, at % whole.length) + junk.replaceAll('\n', '');
          const { done, bytes } = decodeJournal(torn, 201);
          const kept = lines.findIndex((_, i) => lines.slice(0, i + 1).join('').length > bytes);
          expect(lines.slice(0, kept).join('')).toBe(whole.slice(0, bytes));
          expect(done).toEqual(applied(entries.slice(0, kept)));
        },
      ),
    );
  });

  it('of another file tells nothing', () => {
    expect(decodeJournal(encodeEntry({ kind: 'done', indices: [0, 1, 2, 9] }), 9)).toEqual({
      done: new Set(),
      bytes: 0,
    });
  });

  it('is short for a run', () => {
    const indices = Array.from({ length: 4096 }, (_, i) => 4096 - i);
    expect(encodeEntry({ kind: 'done', indices })).toMatch(/^[0-9a-f]{16} \+1-4096\n$/);
  });
});
