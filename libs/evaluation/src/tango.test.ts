import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exactMcNemar, minimumItemsForNonInferiority, tangoBounds } from './tango.ts';

// newlyWrong, newlyRight, n, one-sided 95 % lower and upper bound. Made with SciPy 1.17.1: scipy.optimize.brentq on
// Tango's statistic, whose constrained estimate was checked against a numeric maximum of the likelihood.
const GOLDEN: readonly (readonly [number, number, number, number, number])[] = [
  [9, 0, 160, 0.03301539498, 0.09424236782],
  [10, 0, 160, 0.03772422688, 0.1018256801],
  [0, 0, 160, -0.01662846512, 0.01662846512],
  [0, 0, 24, -0.1013101815, 0.1013101815],
  [0, 0, 25, -0.09765350601, 0.09765350601],
  [12, 2, 50, 0.08547438246, 0.3204133863],
  [1, 0, 30, -0.05214845173, 0.1364041422],
  [3, 3, 100, -0.04725320993, 0.04725320993],
  [0, 5, 40, -0.2353237278, -0.05372737027],
  [40, 0, 40, 0.8732931027, 1],
  [0, 40, 40, -1, -0.8732931027],
  [20, 10, 50, 0.02024566187, 0.3659182636],
];

const pairs = fc
  .integer({ min: 1, max: 500 })
  .chain((n) => fc.tuple(fc.integer({ min: 0, max: n }), fc.integer({ min: 0, max: n }), fc.constant(n)))
  .filter(([b, c, n]) => b + c <= n);

describe("Tango's bounds", () => {
  it.each(GOLDEN)('are right for %i newly wrong and %i newly right of %i', (b, c, n, lower, upper) => {
    const bounds = tangoBounds(b, c, n);
    expect(bounds.lower).toBeCloseTo(lower, 9);
    expect(bounds.upper).toBeCloseTo(upper, 9);
  });

  // Both tables, with these intervals, are worked in Fagerland, Lydersen and Laake, Statistical Analysis of Contingency
  // Tables (2017), chapter 8, and in the tests of their R package `contingencytables`: two-sided 95 %.
  it.each([
    ['Bentur 2009', 1, 7, 21, -0.5172, -0.026],
    ['Cavo 2012', 6, 16, 161, -0.124, -0.0054],
  ])('are those published for %s', (_study, b, c, n, lower, upper) => {
    const bounds = tangoBounds(b, c, n, 1.959963984540054);
    expect(bounds.lower).toBeCloseTo(lower, 4);
    expect(bounds.upper).toBeCloseTo(upper, 4);
  });

  it('enclose the difference seen, and are the mirror of themselves when the two releases are swapped', () => {
    fc.assert(
      fc.property(pairs, ([b, c, n]) => {
        const bounds = tangoBounds(b, c, n);
        const mirrored = tangoBounds(c, b, n);
        expect(bounds.lower).toBeLessThanOrEqual((b - c) / n);
        expect(bounds.upper).toBeGreaterThanOrEqual((b - c) / n);
        expect(mirrored.lower).toBe(-bounds.upper);
      }),
    );
  });

  it('rise with each newly wrong item', () => {
    fc.assert(
      fc.property(pairs, ([b, c, n]) => {
        fc.pre(b + c < n);
        expect(tangoBounds(b + 1, c, n).upper).toBeGreaterThan(tangoBounds(b, c, n).upper);
        expect(tangoBounds(b + 1, c, n).lower).toBeGreaterThan(tangoBounds(b, c, n).lower);
      }),
    );
  });

  it('stay within minus one and one where every pair is discordant, one way', () => {
    expect(tangoBounds(14, 0, 14)).toEqual({ lower: expect.closeTo(0.6760903395, 9), upper: 1 });
    expect(tangoBounds(1, 0, 1).upper).toBe(1);
    expect(tangoBounds(0, 1, 1).lower).toBe(-1);
  });

  it('refuse counts that are more than there are pairs', () => {
    expect(() => tangoBounds(3, 3, 5)).toThrow(RangeError);
    expect(() => tangoBounds(-1, 3, 5)).toThrow(RangeError);
  });
});

describe('E5 the least number of items for the other gates', () => {
  it.each([
    [0.1, 25],
    [0.05, 52],
    [0.01, 268],
  ])('at a margin of %d is %i', (margin, n) => {
    expect(minimumItemsForNonInferiority(margin)).toBe(n);
    expect(tangoBounds(0, 0, n - 1).upper).toBeGreaterThanOrEqual(margin);
  });
});

describe("McNemar's exact p-value", () => {
  it('is the published one for Cavo 2012', () => {
    expect(exactMcNemar(6, 16)).toBeCloseTo(0.052479, 6);
  });

  it('is 1 where nothing parts the two releases', () => {
    expect(exactMcNemar(0, 0)).toBe(1);
    expect(exactMcNemar(5, 5)).toBe(1);
    expect(exactMcNemar(3, 4)).toBeCloseTo(1, 12);
  });

  it('is the same both ways', () => {
    expect(exactMcNemar(9, 0)).toBe(2 / 2 ** 9);
    expect(exactMcNemar(0, 9)).toBe(exactMcNemar(9, 0));
  });
});
