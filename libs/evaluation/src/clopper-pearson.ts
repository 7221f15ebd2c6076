import { ALPHA, bisect, lowerTail, requireCounts } from './binomial.ts';

/**
 * The one-sided 95 % Clopper-Pearson upper bound of a share of which k of n were seen: the p at which k or fewer of n
 * would be seen one time in twenty. Source: Clopper and Pearson, Biometrika 26 (1934) 404-413.
 */
export function clopperPearsonUpper(k: number, n: number): number {
  requireCounts(k, n);
  if (k === n) return 1;
  return bisect(k / n, 1, (p) => p === 0 || lowerTail(k, n, p) > ALPHA);
}

/** The one-sided 95 % lower bound: what is left of the upper bound of those not seen. */
export function clopperPearsonLower(k: number, n: number): number {
  requireCounts(k, n);
  return k === 0 ? 0 : 1 - clopperPearsonUpper(n - k, n);
}

/** E5: the least n at which none missed passes a safety gate of this margin: 29 at 10 %, 59 at 5 %, 299 at 1 %. */
export function minimumItemsForSafety(margin: number): number {
  let n = Math.max(1, Math.floor(Math.log(ALPHA) / Math.log1p(-margin)) - 1);
  while (clopperPearsonUpper(0, n) >= margin) n++;
  return n;
}
