/** A day is looked up at most once a second: the calendar of a time zone costs more than a rule does. */
const KEPT_MS = 1_000;

/** `YYYY-MM-DD` in a time zone, now. Throws for a zone that is not known. */
export function todayIn(timeZone: string, wallMs: () => number): () => string {
  // The calendar of ISO 8601 with Latin digits, whatever the machine speaks.
  const form = new Intl.DateTimeFormat('en-CA-u-ca-iso8601-nu-latn', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  });
  let day = '';
  let at = Number.NEGATIVE_INFINITY;
  return () => {
    const now = wallMs();
    if (Math.abs(now - at) >= KEPT_MS) {
      const parts = Object.fromEntries(form.formatToParts(now).map(({ type, value }) => [type, value]));
      day = `${parts['year']}-${parts['month']}-${parts['day']}`;
      at = now;
    }
    return day;
  };
}

/** The same day of an earlier month, `YYYY-MM-DD`: to compare with, since not every month has it. */
export function monthsBefore(day: string, months: number): string {
  const [year = 0, month = 0] = day.split('-').map(Number);
  const all = year * 12 + month - 1 - months;
  return `${String(Math.floor(all / 12)).padStart(4, '0')}-${String((all % 12) + 1).padStart(2, '0')}${day.slice(7)}`;
}
