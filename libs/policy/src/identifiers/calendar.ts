import { daysSince1970 } from '@openward/contracts';

// Days as three numbers, with no clock and no time zone: a date of birth is a day of the calendar wherever it is read.

export interface Day {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

const daysIn = (year: number, month: number): number =>
  month === 2
    ? year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
      ? 29
      : 28
    : [4, 6, 9, 11].includes(month)
      ? 30
      : 31;

export const isCalendarDate = (year: number, month: number, day: number): boolean =>
  month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month);

/** `YYYY-MM-DD`, as it stands in a request. */
export const dayOf = (iso: string): Day => ({
  year: Number(iso.slice(0, 4)),
  month: Number(iso.slice(5, 7)),
  day: Number(iso.slice(8, 10)),
});

const ordinal = ({ year, month, day }: Day): number => daysSince1970(year, month, day);

export const daysBetween = (from: Day, to: Day): number => ordinal(to) - ordinal(from);

/** Whole months from one day to another; negative where the other is earlier. */
export const monthsBetween = (from: Day, to: Day): number =>
  (to.year - from.year) * 12 + to.month - from.month - (to.day < from.day ? 1 : 0);
