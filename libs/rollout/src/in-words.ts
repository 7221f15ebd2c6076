/** A code as a person reads it: `rollingBack` is `rolling back`. Codes themselves stand in JSON, beside the words. */
export const inWords = (code: string): string => code.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** `12 s`, `30 min`, `24 h`: in the widest unit that says it in whole numbers. */
export function lengthInWords(ms: number): string {
  if (ms % 3_600_000 === 0 && ms > 0) return `${ms / 3_600_000} h`;
  if (ms % 60_000 === 0 && ms > 0) return `${ms / 60_000} min`;
  return ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`;
}
