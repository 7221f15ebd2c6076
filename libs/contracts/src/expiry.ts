import { POLICY_WARNS_DAYS, type PromptPolicy } from './policy.ts';

const DAY_MS = 86_400_000;

/** `days`: whole days until it expires, counting one that has begun; of an expired one, whole days since. Null: it never does. */
export interface Expiry {
  readonly state: 'none' | 'valid' | 'soon' | 'expired';
  readonly days: number | null;
}

/** Whether a policy has expired, or soon will. It closes no service by itself: what then happens is the site's choice. */
export function expiryOf({ expires }: Pick<PromptPolicy, 'expires'>, nowMs: number): Expiry {
  if (expires === null) return { state: 'none', days: null };
  const end = msOfInstant(expires);
  // An instant that no calendar has is past: a policy that cannot say when it ends has ended.
  if (Number.isNaN(end)) return { state: 'expired', days: 0 };
  if (end <= nowMs) return { state: 'expired', days: Math.floor((nowMs - end) / DAY_MS) };
  const days = Math.ceil((end - nowMs) / DAY_MS);
  return { state: days <= POLICY_WARNS_DAYS ? 'soon' : 'valid', days };
}

const FORM = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,3}))?Z$/;
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const isLeap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;

/**
 * Milliseconds since 1970 of an instant as the wire has it; NaN where the calendar has no such instant. Without `Date`, as
 * `instantOf`.
 */
export function msOfInstant(instant: string): number {
  const [, ...found] = FORM.exec(instant) ?? [];
  if (found.length === 0) return Number.NaN;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found.slice(0, 6).map(Number);
  const ms = Number((found[6] ?? '').padEnd(3, '0'));
  const last = month === 2 && isLeap(year) ? 29 : (MONTH_DAYS[month - 1] ?? 0);
  if (day < 1 || day > last || hour > 23 || minute > 59 || second > 59) return Number.NaN;
  const days = daysSince1970(year, month, day);
  return days * DAY_MS + hour * 3_600_000 + minute * 60_000 + second * 1000 + ms;
}

/** From 1 January 1970 to a day of the calendar. Source: H. Hinnant, days from civil dates. */
export function daysSince1970(year: number, month: number, day: number): number {
  const shiftedYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(shiftedYear / 400);
  const yearOfEra = shiftedYear - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
