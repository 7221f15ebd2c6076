import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Instant } from './ids.ts';
import { instantOf, isReached } from './instant.ts';

test('an instant is written as everybody writes it, for every millisecond of ten thousand years', () => {
  fc.assert(
    fc.property(fc.integer({ min: Date.UTC(1600, 0, 1), max: Date.UTC(9999, 11, 31) }), (ms) => {
      expect(instantOf(ms)).toBe(new Date(ms).toISOString());
      expect(Instant.safeParse(instantOf(ms)).success).toBe(true);
    }),
    { numRuns: 2000 },
  );
  for (const text of [
    '2000-02-29T23:59:59.999Z',
    '1900-03-01T00:00:00.000Z',
    '1969-12-31T23:59:59.999Z',
    '2024-12-31T12:00:00.000Z',
  ])
    expect(instantOf(Date.parse(text))).toBe(text);
});

test('a time is reached at its own millisecond, however many digits its fraction has', () => {
  const at = Date.parse('2026-01-05T08:00:00.100Z');
  for (const text of ['2026-01-05T08:00:00.1Z', '2026-01-05T08:00:00.10Z', '2026-01-05T08:00:00.100Z']) {
    expect([isReached(text, at - 1), isReached(text, at), isReached(text, at + 1)]).toEqual([false, true, true]);
  }
  expect(isReached('2026-01-05T08:00:00Z', at - 100)).toBe(true);
  expect(isReached('2026-01-05T08:00:00Z', at - 101)).toBe(false);
});
