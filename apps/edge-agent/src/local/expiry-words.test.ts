import { expect, test } from 'vitest';
import { expiryWords } from './expiry-words.ts';

const expires = '2026-06-01T12:00:00Z';
const end = Date.parse(expires);
const MINUTE = 60_000;

test.each([
  [-3 * MINUTE, 'expires in 3 minutes'],
  [-1, 'expires in 0 minutes'],
  [-47 * 60 * MINUTE, 'expires in 47 hours'],
  [-30 * 24 * 60 * MINUTE, 'expires in 30 days'],
  [0, 'expired 0 minutes ago'],
  [MINUTE, 'expired 1 minute ago'],
  [5 * 60 * MINUTE, 'expired 5 hours ago'],
  [48 * 60 * MINUTE, 'expired 2 days ago'],
])('an expiry is told with its instant, and by hours or minutes below two days (%i ms: %s)', (past, said) => {
  expect(expiryWords(expires, end + past)).toBe(`${said}, at ${expires}`);
});

test('an end that no calendar has is past', () => {
  expect(expiryWords('2026-02-30T00:00:00Z', 0)).toContain('has expired');
});
