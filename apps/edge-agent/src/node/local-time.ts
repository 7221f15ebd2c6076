import type { LocalTime } from '@openward/activation';
import { Temporal } from 'temporal-polyfill';

/** Throws for a zone that is not known. */
export function localTimeIn(timeZone: string): LocalTime {
  Temporal.Now.zonedDateTimeISO(timeZone);
  return {
    minuteOfWeek(wall) {
      const at = Temporal.Instant.fromEpochMilliseconds(wall).toZonedDateTimeISO(timeZone);
      return (at.dayOfWeek - 1) * 1440 + at.hour * 60 + at.minute;
    },
  };
}
