import { regexFinder } from '../find-regex.ts';
import type { Finder } from '../model.ts';
import { compilePattern } from '../patterns.ts';

/** A record number of more than this is a mistake in the pattern, and would hold every stream back. */
const LONGEST_RECORD_NUMBER = 64;

const FINDS_NOTHING: Finder = {
  longest: 0,
  before: 0,
  after: 0,
  sign: { kind: 'words', words: [] },
  find: () => [],
};

// A pattern that begins or ends with a sign (`#\d{6}`) has no edge of a word there.
const beginsWithWord = (pattern: string): boolean => /^(?:[\w([]|\\[\w])/.test(pattern);
const endsWithWord = (pattern: string): boolean => /[\w)\]}?]$/.test(pattern);

/**
 * Record numbers of a site, by its own pattern, in small and capital letters alike and as whole words: a pattern of six digits
 * does not hit six of seven. Without a pattern nothing is found.
 */
export const recordNumberFinder = (pattern: string | null): Finder | { readonly refused: string } => {
  if (pattern === null) return FINDS_NOTHING;
  // By itself first: what closes a bracket that it did not open must not become a pattern by being put between brackets.
  const alone = compilePattern(pattern, true);
  if (alone.kind === 'refused') return { refused: alone.message };
  const edge = (isWord: boolean): string => (isWord ? '\\b' : '');
  const whole = compilePattern(`${edge(beginsWithWord(pattern))}(?:${pattern})${edge(endsWithWord(pattern))}`, true);
  if (whole.kind === 'refused') return { refused: whole.message };
  const finder = regexFinder(whole.pattern);
  if (finder.longest === null) return { refused: `Give a pattern of bounded length: ${finder.why ?? 'it has none'}.` };
  if (finder.longest > LONGEST_RECORD_NUMBER) {
    return { refused: `It matches up to ${finder.longest} characters; ${LONGEST_RECORD_NUMBER} are allowed.` };
  }
  return finder;
};
