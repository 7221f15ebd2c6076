const DAY_MS = 86_400_000;
/** From 1 March of the year 0 to 1 January 1970, in days; an era is the 400 years after which the calendar repeats. */
const EPOCH_SHIFT = 719_468;
const ERA_DAYS = 146_097;

const two = (n: number): string => String(n).padStart(2, '0');

/**
 * A time in milliseconds since 1970, in UTC, as the wire and people write it. Without `Date`, which pure libraries may not
 * touch: it is a calendar here, and a clock in the same breath. For years 0 to 9999. Source: H. Hinnant, days to civil dates.
 */
export function instantOf(ms: number): string {
  const whole = Math.floor(ms);
  const days = Math.floor(whole / DAY_MS);
  const rest = whole - days * DAY_MS;
  const shifted = days + EPOCH_SHIFT;
  const era = Math.floor(shifted / ERA_DAYS);
  const dayOfEra = shifted - era * ERA_DAYS;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const clock = `${two(Math.floor(rest / 3_600_000))}:${two(Math.floor(rest / 60_000) % 60)}:${two(Math.floor(rest / 1000) % 60)}`;
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${clock}.${String(rest % 1000).padStart(3, '0')}Z`;
}

/** Whether a time as the wire writes it (`Instant`) is not after one in milliseconds since 1970. */
export const isReached = (instant: string, ms: number): boolean => inFull(instant) <= instantOf(ms);

/** With three digits after the second, so that two of them compare as texts. */
const inFull = (instant: string): string => {
  const [whole = '', fraction = ''] = instant.slice(0, -1).split('.');
  return `${whole}.${fraction.padEnd(3, '0')}Z`;
};
