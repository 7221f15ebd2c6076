/** A code as a person reads it: `rollingBack` is `rolling back`. Codes themselves stand in JSON, beside the words. */
export const inWords = (code: string): string => code.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
