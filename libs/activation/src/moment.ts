import type { Now } from './events.ts';
import type { Ports } from './ports.ts';

/** What a step may know of the moment at which it is made. */
export function momentOf({ clock, localTime, ids, evaluate }: Ports): Now {
  const wall = clock.wall();
  return {
    monotonic: clock.monotonic(),
    wall,
    minuteOfWeek: localTime.minuteOfWeek(wall),
    nonce: ids.nonce(),
    terms: evaluate.terms(),
  };
}
