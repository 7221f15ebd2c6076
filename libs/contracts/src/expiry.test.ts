import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expiryOf, msOfInstant } from './expiry.ts';
import { instantOf } from './instant.ts';

const DAY = 86_400_000;
const END = Date.parse('2026-06-01T00:00:00Z');
const policy = { expires: '2026-06-01T00:00:00Z' };

describe('the end of a policy', () => {
  it.each([
    [31 * DAY, 'valid', 31],
    [30 * DAY + 1, 'valid', 31],
    [30 * DAY, 'soon', 30],
    [1, 'soon', 1],
    [0, 'expired', 0],
    [-DAY + 1, 'expired', 0],
    [-DAY, 'expired', 1],
  ])('is warned of for 30 days: %i ms before it is %s', (before, state, days) => {
    expect(expiryOf(policy, END - before)).toEqual({ state, days });
  });

  it('does not come where the policy names none', () => {
    expect(expiryOf({ expires: null }, END)).toEqual({ state: 'none', days: null });
  });

  it('has come where no calendar has the day', () => {
    expect(expiryOf({ expires: '2026-02-30T00:00:00Z' }, 0)).toEqual({ state: 'expired', days: 0 });
  });
});

describe('an instant', () => {
  it('is read as the calendar has it', () => {
    const most = Date.parse('9999-12-31T23:59:59.999Z');
    fc.assert(
      fc.property(fc.integer({ min: Date.parse('0000-01-01T00:00:00Z'), max: most }), (ms) => {
        expect(msOfInstant(instantOf(ms))).toBe(ms);
      }),
    );
    expect(msOfInstant('2026-03-01T12:00:00.5Z')).toBe(Date.parse('2026-03-01T12:00:00.500Z'));
  });

  it.each(['2026-13-01T00:00:00Z', '2026-00-01T00:00:00Z', '2023-02-29T00:00:00Z', '2026-01-01T24:00:00Z', 'x'])(
    'that the calendar does not have is none: %s',
    (text) => {
      expect(msOfInstant(text)).toBeNaN();
    },
  );
});
