import { msOfInstant } from '@openward/contracts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `3 minutes`, `47 hours`, `12 days`: by the hour below two days, by the minute below two hours. What has begun counts only of days ahead. */
function lengthOf(ms: number): string {
  const [unit, name] = ms < 2 * HOUR ? [MINUTE, 'minute'] : ms < 2 * DAY ? [HOUR, 'hour'] : [DAY, 'day'];
  const count = Math.floor(ms / unit);
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}

/** When a policy expires or did, with the instant: nobody takes the last day for a whole one. */
export function expiryWords(expires: string, nowMs: number): string {
  const end = msOfInstant(expires);
  if (Number.isNaN(end)) return `has expired: its end, ${expires}, is no time of the calendar`;
  return end <= nowMs
    ? `expired ${lengthOf(nowMs - end)} ago, at ${expires}`
    : `expires in ${lengthOf(end - nowMs)}, at ${expires}`;
}
