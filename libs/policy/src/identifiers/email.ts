import type { Finder, Span } from '../model.ts';
import { spanOf } from './context.ts';

// Practical bounds rather than those of RFC 5321: what is longer is found in its nearest part, and a stream waits less.
const LOCAL = 64;
const DOMAIN = 128;
const isLocal = (character: string | undefined): boolean =>
  character !== undefined && /[\p{L}\p{N}._%+'-]/u.test(character);
const isLetter = (character: string | undefined): boolean => character !== undefined && /[\p{L}\p{N}]/u.test(character);

/** A full stop or hyphen belongs to a domain only where it goes on behind it. */
const isDomain = (folded: string, at: number): boolean => {
  if (isLetter(folded[at])) return true;
  if (folded[at] === '.') return isLetter(folded[at + 1]);
  return folded[at] === '-' && (isLetter(folded[at + 1]) || (folded[at + 1] === '-' && isLetter(folded[at + 2])));
};

const LABELS = /^(?=.{4,})[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*\.(?:\p{L}{2,24}|xn--[a-z0-9-]{2,24})$/u;

/** Where the domain ends that begins at `from`, null: there is none. */
const domainEnd = (folded: string, from: number): number | null => {
  let end = from;
  while (end - from < DOMAIN && isDomain(folded, end)) end += 1;
  return LABELS.test(folded.slice(from, end)) ? end : null;
};

/** Where the part before the `@` begins; null: there is none, or it is the domain of another address. */
const localStart = (folded: string, at: number): number | null => {
  let start = at;
  while (at - start < LOCAL && isLocal(folded[start - 1])) start -= 1;
  let earlier = start;
  while (at - earlier < LOCAL + DOMAIN && isLocal(folded[earlier - 1])) earlier -= 1;
  if (folded[earlier - 1] === '@') return null;
  while (start < at && ".'%+-".includes(folded[start] ?? '')) start += 1;
  return start < at ? start : null;
};

/** Addresses of mail, by hand: one step from each `@`, of bounded length both ways. */
export const emailFinder: Finder = {
  longest: LOCAL + 1 + DOMAIN,
  before: LOCAL + DOMAIN + 1,
  after: 3,
  sign: { kind: 'look', couldHold: ({ folded }) => folded.includes('@') },
  find: (text) => {
    const { folded, from } = text;
    const spans: Span[] = [];
    for (let at = folded.indexOf('@', from); at >= 0; at = folded.indexOf('@', at + 1)) {
      const start = localStart(folded, at);
      const end = start === null ? null : domainEnd(folded, at + 1);
      if (start !== null && end !== null && start >= from) spans.push(spanOf(text, start, end));
    }
    return spans;
  },
};
