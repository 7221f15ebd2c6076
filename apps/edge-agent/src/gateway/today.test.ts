import { expect, test } from 'vitest';
import { monthsBefore, todayIn } from './today.ts';

test('a day is the site’s own, and changes at its midnight', () => {
  let now = Date.parse('2026-02-28T20:59:59.500Z');
  const [nairobi, lima] = [todayIn('Africa/Nairobi', () => now), todayIn('America/Lima', () => now)];
  expect([nairobi(), lima()]).toEqual(['2026-02-28', '2026-02-28']);
  now += 1_000;
  expect([nairobi(), lima()]).toEqual(['2026-03-01', '2026-02-28']);
});

test('a clock that is set back is followed', () => {
  let now = Date.parse('2026-03-01T12:00:00Z');
  const today = todayIn('UTC', () => now);
  today();
  now = Date.parse('2025-12-31T12:00:00Z');
  expect(today()).toBe('2025-12-31');
});

test('months are counted back over years, and a day that a month has not stands after its last', () => {
  expect(monthsBefore('2026-03-31', 13)).toBe('2025-02-31');
  expect(monthsBefore('2026-01-01', 1)).toBe('2025-12-01');
  expect(monthsBefore('2026-12-05', 12)).toBe('2025-12-05');
});
