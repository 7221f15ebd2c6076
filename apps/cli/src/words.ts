// How quantities are said to people.

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** 1,000 a step, three digits: `1.31 MB`. */
export function sizeOf(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : trim(value)} ${UNITS[unit]}`;
}
const trim = (value: number): string => value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2);

/** `3 s`, `4 min`, `2 h 10 min`, `3 d 4 h`. Rounded up where it is under a minute, so that it is never said too short. */
export function lengthOf(seconds: number): string {
  if (seconds < 60)
    return `${seconds < 10 && seconds % 1 !== 0 ? (Math.ceil(seconds * 10) / 10).toFixed(1) : Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`;
}

/** `12 s ago`, or `-` for what never was. */
export function agoOf(instant: string | null, now: number): string {
  if (instant === null) return '-';
  return `${lengthOf(Math.max(0, Math.floor((now - Date.parse(instant)) / 1000)))} ago`;
}

/** `sha256:0123456789ab`: enough to tell two apart on a screen; `--json` has all of it. */
export const shortDigest = (digest: string | null | undefined): string =>
  digest === null || digest === undefined ? '-' : digest.slice(0, 19);

/** `awaitingConsent` as `awaiting consent`. */
export const spaced = (code: string): string => code.replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);

export const orDash = (value: string | number | null | undefined): string =>
  value === null || value === undefined || value === '' ? '-' : String(value);

/** A text that somebody else wrote, on one line that hides nothing and moves no cursor. */
export const oneLine = (text: string): string => text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\u{FFFD}');
