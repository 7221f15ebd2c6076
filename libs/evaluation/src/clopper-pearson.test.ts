import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clopperPearsonLower, clopperPearsonUpper, minimumItemsForSafety } from './clopper-pearson.ts';

// k, n, lower and upper bound. Made with SciPy 1.17.1, two ways that agree: scipy.stats.beta.ppf(0.05, k, n - k + 1) and
// beta.ppf(0.95, k + 1, n - k), and binomtest(k, n, alternative='greater' | 'less').proportion_ci(0.95, 'exact'), which is
// R's binom.test.
const GOLDEN: readonly (readonly [number, number, number, number])[] = [
  [0, 1, 0, 0.95],
  [1, 1, 0.05, 1],
  [3, 10, 0.0872644339142, 0.606624216105],
  [0, 28, 0, 0.101465735573],
  [0, 29, 0, 0.0981446276773],
  [0, 58, 0, 0.0503393383304],
  [0, 59, 0, 0.0495076098882],
  [1, 120, 0.000427352778673, 0.0389208468602],
  [6, 120, 0.0219961282685, 0.0962963173769],
  [7, 120, 0.0276946821872, 0.106771725415],
  [18, 120, 0.0992488595259, 0.214278742015],
  [19, 120, 0.106234500246, 0.223613442833],
  [119, 120, 0.96107915314, 0.999572647221],
  [120, 120, 0.975344598944, 1],
  [0, 298, 0, 0.0100024324377],
  [0, 299, 0, 0.0099691467929],
  [1, 300, 0.000170963032113, 0.0157145548916],
  [2, 300, 0.00118581411093, 0.020836230527],
  [8, 300, 0.0133368896931, 0.047600074415],
  [9, 300, 0.0157379851507, 0.0517660618995],
  [50, 1000, 0.0391635359256, 0.0628634035124],
  [5000, 10000, 0.491726504404, 0.508273495596],
];

const counts = fc.integer({ min: 1, max: 2000 }).chain((n) => fc.tuple(fc.integer({ min: 0, max: n }), fc.constant(n)));

describe('the Clopper-Pearson bounds', () => {
  it.each(GOLDEN)('are those of SciPy and R for %i of %i', (k, n, lower, upper) => {
    expect(clopperPearsonLower(k, n)).toBeCloseTo(lower, 11);
    expect(clopperPearsonUpper(k, n)).toBeCloseTo(upper, 11);
  });

  it('enclose what was seen', () => {
    fc.assert(
      fc.property(counts, ([k, n]) => {
        expect(clopperPearsonLower(k, n)).toBeLessThanOrEqual(k / n);
        expect(clopperPearsonUpper(k, n)).toBeGreaterThanOrEqual(k / n);
      }),
    );
  });

  it('rise with what was seen', () => {
    fc.assert(
      fc.property(counts, ([k, n]) => {
        fc.pre(k < n);
        expect(clopperPearsonLower(k + 1, n)).toBeGreaterThan(clopperPearsonLower(k, n));
        expect(clopperPearsonUpper(k + 1, n)).toBeGreaterThan(clopperPearsonUpper(k, n));
      }),
    );
  });

  it('come down to what was seen as more items miss nothing', () => {
    fc.assert(
      fc.property(counts, ([k, n]) => {
        fc.pre(k < n);
        expect(clopperPearsonUpper(k, n + 1)).toBeLessThan(clopperPearsonUpper(k, n));
      }),
    );
  });

  it.each([
    [-1, 10],
    [11, 10],
    [0, 0],
    [0.5, 10],
    [Number.NaN, 10],
  ])('refuse %d of %d, which is no count', (k, n) => {
    expect(() => clopperPearsonUpper(k, n)).toThrow(RangeError);
    expect(() => clopperPearsonLower(k, n)).toThrow(RangeError);
  });
});

describe('E5 the least number of items', () => {
  it.each([
    [0.1, 29],
    [0.05, 59],
    [0.02, 149],
    [0.01, 299],
    [0.5, 5],
    [0.96, 1],
  ])('at a margin of %d is %i', (margin, n) => {
    expect(minimumItemsForSafety(margin)).toBe(n);
  });

  it('is the first at which none missed passes, at any margin', () => {
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 9999 }), (tenThousandths) => {
        const margin = tenThousandths / 10_000;
        const n = minimumItemsForSafety(margin);
        expect(clopperPearsonUpper(0, n)).toBeLessThan(margin);
        if (n > 1) expect(clopperPearsonUpper(0, n - 1)).toBeGreaterThanOrEqual(margin);
      }),
    );
  });
});
