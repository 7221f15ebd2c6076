import { bisect, lowerTail, requireCounts } from './binomial.ts';

/** The normal deviate of the one-sided 95 % level. */
const Z = 1.6448536269514722;

export interface Bounds {
  readonly lower: number;
  readonly upper: number;
}

/**
 * One-sided 95 % score bounds, each way, of the paired difference `(newlyWrong - newlyRight) / n`: the differences that
 * Tango's score test would just not reject. Unlike Wald's, they keep their level with few or no discordant pairs.
 * Source: Tango, Statistics in Medicine 17 (1998) 891-908.
 */
export function tangoBounds(newlyWrong: number, newlyRight: number, n: number, z: number = Z): Bounds {
  requireCounts(newlyWrong + newlyRight, n);
  requireCounts(newlyWrong, n);
  return {
    lower: -upperBound(newlyRight, newlyWrong, n, z),
    upper: upperBound(newlyWrong, newlyRight, n, z),
  };
}

/** E5 for E3: the least n at which a candidate that answers every item as its reference did passes. */
export function minimumItemsForNonInferiority(margin: number): number {
  let n = Math.max(1, Math.floor((Z * Z * (1 - margin)) / margin) - 1);
  while (tangoBounds(0, 0, n).upper >= margin) n++;
  return n;
}

/**
 * The exact two-sided McNemar p-value of a paired difference: whether a coin could have parted the discordant pairs so.
 * It is shown and never decides (E3).
 */
export function exactMcNemar(newlyWrong: number, newlyRight: number): number {
  const discordant = newlyWrong + newlyRight;
  if (newlyWrong === newlyRight) return 1;
  return Math.min(1, 2 * lowerTail(Math.min(newlyWrong, newlyRight), discordant, 0.5));
}

function upperBound(b: number, c: number, n: number, z: number): number {
  if (b === n) return 1;
  return bisect((b - c) / n, 1, (delta) => score(b, c, n, delta) > -z);
}

/** Tango's statistic at a true difference of `delta`; it falls as `delta` grows, and is 0 at the difference seen. */
function score(b: number, c: number, n: number, delta: number): number {
  const variance = n * (2 * likeliestNewlyRight(b, c, n, delta) + delta * (1 - delta));
  const distance = b - c - n * delta;
  if (distance === 0) return 0;
  return variance > 0 ? distance / Math.sqrt(variance) : distance * Infinity;
}

/** The likeliest share of newly right pairs where the true difference is `delta`: the larger root of a quadratic. */
function likeliestNewlyRight(b: number, c: number, n: number, delta: number): number {
  const linear = (2 * n - b + c) * delta - b - c;
  const constant = -c * delta * (1 - delta);
  const root = Math.sqrt(Math.max(0, linear * linear - 8 * n * constant));
  // Two forms of one root: each cancels where the other does not.
  return linear > 0 ? (-2 * constant) / (linear + root) : (root - linear) / (4 * n);
}
