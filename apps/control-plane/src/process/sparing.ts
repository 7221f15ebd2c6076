import type { Clock } from '@openward/contracts';

const WINDOW_MS = 10_000;

/**
 * Tells the first `most` of each ten seconds, and with the first of the next ten how many were left out: what a node sends, at any
 * rate, must not fill a disk with lines.
 */
export function sparing<T>(
  tell: (what: T, leftOut: number) => void,
  clock: Pick<Clock, 'monotonic'>,
  most = 20,
): (what: T) => void {
  let [since, told, leftOut] = [Number.NEGATIVE_INFINITY, 0, 0];
  return (what) => {
    const now = clock.monotonic();
    if (now - since >= WINDOW_MS) [since, told] = [now, 0];
    if (told >= most) {
      leftOut += 1;
      return;
    }
    told += 1;
    tell(what, leftOut);
    leftOut = 0;
  };
}
