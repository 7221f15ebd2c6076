import { expect, test } from 'vitest';
import { compareLedgers, EMPTY_LEDGER, firstBrokenRow, nextRow, type LedgerRow } from './ledger.ts';

const rows: LedgerRow[] = [];
for (let n = 1; n <= 4; n++) {
  const before = rows.at(-1) ?? EMPTY_LEDGER;
  rows.push(nextRow(before, { kind: 'state', subject: 's', bytes: Buffer.from(`row ${n}`), at: n }));
}
const headAt = (seq: number) => rows[seq - 1]?.head ?? null;
const own = { seq: 4, head: rows[3]!.head };

test('P1 a chain of rows holds, and any change, gap or reordering of it shows', () => {
  expect(firstBrokenRow(rows)).toBeNull();
  expect(firstBrokenRow(rows.map((row, i) => (i === 1 ? { ...row, bytes: Buffer.from('other') } : row)))).toBe(2);
  expect(firstBrokenRow([rows[0]!, rows[2]!])).toBe(3);
  expect(firstBrokenRow([rows[1]!, rows[0]!])).toBe(2);
});

test('P8 a ledger behind what the network accepted, or beside it, is told apart', () => {
  expect(compareLedgers(null, EMPTY_LEDGER, headAt)).toBe('same');
  expect(compareLedgers(own, own, headAt)).toBe('same');
  expect(compareLedgers({ seq: 2, head: rows[1]!.head }, own, headAt)).toBe('ahead');
  expect(compareLedgers({ seq: 5, head: own.head }, own, headAt)).toBe('behind');
  expect(compareLedgers({ seq: 2, head: own.head }, own, headAt)).toBe('forked');
});
