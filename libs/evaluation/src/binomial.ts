/** The level of every bound in this library: one-sided 95 %. Fixed by E2 and E3, so it is not a parameter. */
export const ALPHA = 0.05;

/**
 * P(X <= k) for X binomial(n, p), for k at or under the mean n * p, where the terms shrink from k downwards. Summed from
 * the largest term, so it neither cancels nor overflows; a term too small for a double is a tail too small to matter.
 */
export function lowerTail(k: number, n: number, p: number): number {
  requireCounts(k, n);
  if (k === n) return 1;
  if (p >= 1) return 0;
  if (k > n * p) throw new RangeError(`the lower tail is summed under the mean only: ${k} of ${n} at ${p}`);
  let term = Math.exp(logChoose(n, k) + k * Math.log(p) + (n - k) * Math.log1p(-p));
  let sum = term;
  for (let j = k; j > 0 && term > 0; j--) {
    term *= (j / (n - j + 1)) * ((1 - p) / p);
    sum += term;
  }
  return Math.min(1, sum);
}

/**
 * The point between `low` and `high` where a claim that holds at `low` stops holding, to the last bit of a double.
 * `holds` must be true on one side and false on the other.
 */
export function bisect(low: number, high: number, holds: (x: number) => boolean): number {
  let [a, b] = [low, high];
  for (;;) {
    const middle = a + (b - a) / 2;
    if (middle <= a || middle >= b) return middle;
    if (holds(middle)) a = middle;
    else b = middle;
  }
}

export function requireCounts(k: number, n: number): void {
  if (!Number.isInteger(k) || !Number.isInteger(n) || n < 1 || k < 0 || k > n) {
    throw new RangeError(`not a count out of n: ${k} of ${n}`);
  }
}

function logChoose(n: number, k: number): number {
  let sum = 0;
  const fewer = Math.min(k, n - k);
  for (let j = 1; j <= fewer; j++) sum += Math.log((n - fewer + j) / j);
  return sum;
}
