/**
 * How long after its beginning a measurement of own records is over, to whoever sees when a node's reports come: the first of `stepMs`,
 * twice, four times … that has passed. What one record took cannot be read from it, only in which doubling all of them together ended:
 * a release that means to be slow on one record has to double the time of all, and says one of a dozen things then, not a number.
 */
export function overAfterMs(tookMs: number, stepMs: number): number {
  if (stepMs <= 0) return tookMs;
  let over = stepMs;
  while (over < tookMs) over *= 2;
  return over;
}
