import fc from 'fast-check';
import { RE2JS, RE2JSException } from 're2js';
import { describe, expect, it } from 'vitest';
import { regexFinder } from './find-regex.ts';
import { fold } from './fold.ts';
import type { Finder } from './model.ts';
import { readPattern } from './pattern-text.ts';
import { compilePattern } from './patterns.ts';

const made = (pattern: string, ignoreCase = false) => {
  const compiled = compilePattern(pattern, ignoreCase);
  if (compiled.kind === 'refused') throw new Error(compiled.message);
  return compiled.pattern;
};
const found = (finder: Finder, text: string): string[] =>
  finder.find(fold(text, { today: '2026-03-01', language: 'en' })).map(({ start, end }) => text.slice(start, end));
const finds = (pattern: string, text: string, ignoreCase = true): string[] =>
  found(regexFinder(made(pattern, ignoreCase)), text);

describe('the longest match of a pattern', () => {
  it.each<[string, number | null]>([
    ['abc', 3],
    ['ab?c', 3],
    ['a|bcd|ef', 3],
    ['a{2,7}', 7],
    ['(?:ab){3}c?', 7],
    ['[a-z]', 1],
    ['.', 2],
    ['[^a]', 2],
    ['😀', 2],
    ['\\pL', 2],
    ['(?i)k', 1],
    ['(?:\\b)*a', 1],
    ['a*b', null],
    ['ab+', null],
    ['a{2,}', null],
    ['(?:a|b*)c', null],
    ['(?:(?:a?)*)b', null],
  ])('of %s is %s', (pattern, longest) => {
    expect(made(pattern).longest).toBe(longest);
  });

  // The numbers of instructions and flags are those of the library's own program.
  it.each<[string, boolean, boolean]>([
    ['^a', true, false],
    ['a$', true, false],
    ['\\Aa', true, false],
    ['a\\z', true, false],
    ['(?m)^a', true, false],
    ['\\ba', false, true],
    ['a\\B', false, true],
    ['a', false, false],
  ])('is asked of a pattern that looks around it: %s', (pattern, anchored, wordBoundaries) => {
    expect(made(pattern)).toMatchObject({ anchored, wordBoundaries });
  });
});

describe('a pattern for folded text', () => {
  it.each([
    ['µg', '5 µg', 'µg'],
    ['[µm]g', '5 µg', 'µg'],
    ['боль', 'БОЛЬ', 'БОЛЬ'],
    ['в', 'В', 'В'],
    ['can’t', "can't", "can't"],
    ['[’]', "can't", "'"],
    ['½', '½', '½'],
    ['[½¼]', '½', '½'],
    ['caf[éè]', 'CAFÈ', 'CAFÈ'],
    ['caf[\\xE9]', 'cafe\u0301!', 'cafe\u0301'],
    ['caf\\x{E9}', 'café', 'café'],
    ['^[ß-ÿ]+$', 'éàçß', 'éàçß'],
    ['[а-яё]+', 'боль', 'боль'],
    ['[٠-٩]{2}', 'ص ٤٢', '٤٢'],
    ['[·-]', '4·2', '·'],
    ['[é-]+', 'e-é', 'e-é'],
    ['gro[sß]e', 'große', 'große'],
    ['gro(?:[ß]|x)', 'groß', 'groß'],
    ['straße', 'STRASSE', 'STRASSE'],
    ['cœur', 'coeur', 'coeur'],
    ['[^à-ÿ ]+', 'été', 'été'],
    ['[^é]', 'été', 't'],
    ['\\bpeche\\b', 'la pêche', 'pêche'],
    ['1（a）', '1(a)', '1(a)'],
    ['\\Qa.б\\E', 'a.б', 'a.б'],
    ['5\\u{2013}'.replace('\\u{2013}', '–') + '10', '5-10', '5-10'],
  ])('finds %s in %s', (pattern, text, expected) => {
    expect(finds(pattern, text)).toEqual([expected]);
  });

  it.each(['a{2}(?:b|c){3,4}[x{9}]\\{9}', '(?P<n>a)\\x{41}\\pL\\p{Greek}[[:alpha:]]', '(?i)(?i:a)[]a]b{,3}'])(
    'is read as RE2 reads it: %s',
    (pattern) => {
      const { size } = readPattern(pattern, false);
      const { instructions } = made(pattern);
      expect(readPattern(pattern, false).pattern).toBe(pattern);
      expect(size).toBeLessThan(2 * instructions + 10);
      expect(instructions).toBeLessThan(4 * size + 10);
    },
  );
});

// Whoever could hide a count from the reading could make the making dear.
it('reads no pattern as smaller than RE2 makes it, nor changes one of ASCII', () => {
  // prettier-ignore
  const token = fc.constantFrom(
    'a', 'b', '{2}', '{1,3}', '{,2}', '{2,}', '(', '(?:', ')', '|', '[', '[^', ']', '-', '\\', '\\d', '\\x{41}', '\\pL', '*', '[:alpha:]', '+', '?',
    '^', '$', '\\b', '.', '(?i)', '(?P<n>', '{', '}', '\\{', '\\]', '\\[', '{90}', '\\Q', '\\E',
  );
  let valid = 0;
  fc.assert(
    fc.property(fc.array(token, { maxLength: 12 }), (tokens) => {
      const text = tokens.join('');
      const { pattern, size } = readPattern(text, false);
      if (size > 3_000) return;
      try {
        expect(RE2JS.compile(text).programSize()).toBeLessThan(2 * size + 10);
      } catch (error) {
        if (error instanceof RE2JSException) return;
        throw error;
      }
      valid += 1;
      if (!text.includes('\\Q')) expect(pattern).toBe(text);
      else expect(RE2JS.compile(pattern).programSize()).toBe(RE2JS.compile(text).programSize());
    }),
    { seed: 10, numRuns: 20_000 },
  );
  expect(valid).toBeGreaterThan(2_000);
});

describe('a dear pattern', () => {
  it.each([
    '[a-z]{0,200}.*b',
    '^[a-z]{0,200}b',
    'a{1000}',
    '(?:a{30}){30}',
    '((((a{5}){5}){5}){5}){5}',
    '[a-z]{0,300}[0-9]{0,300}',
    `${'a{9}'.repeat(100)}`,
    'x{900}'.repeat(300),
    `q1w${'\\pL'.repeat(150)}`,
    '[\\pL\\pN]{70}',
    '(?:[^\\p{L}]\\p{Lu}){40}',
  ])('is refused before it is made: %s', (pattern) => {
    expect(compilePattern(pattern, true)).toMatchObject({ kind: 'refused', code: 'patternTooLarge' });
  });
});

it.each(['\\pL{2,30}', '\\p{Lu}\\p{Ll}+ \\p{Lu}\\p{Ll}+', '[\\pL\\pN_-]{1,20}@'])('is not dear: %s', (pattern) => {
  expect(compilePattern(pattern, true)).toMatchObject({ kind: 'ok' });
});

describe('a search for a pattern', () => {
  it('takes time that grows with the text and no faster', () => {
    for (const pattern of ['(a+)+b', '(a|aa)+b', '(?:a|a?)+b', '(?:.*)*=(?:.*)*', 'a{0,50}a{50}b']) {
      const finder = regexFinder(made(pattern));
      const text = fold('a'.repeat(50_000), { today: '2026-03-01', language: 'en' });
      // Exponential time would not end, and quadratic time would need 2.5 thousand million steps.
      expect(finder.find(text)).toEqual([]);
    }
  });

  it('asks between matches whether it may go on, where each of them could read to the end', () => {
    const finder = regexFinder(made('a.*x|a'));
    let asked = 0;
    const stop = (): void => {
      asked += 1;
      if (asked > 3) throw new Error('enough');
    };
    const text = fold('a'.repeat(10_000), { today: '2026-03-01', language: 'en' });
    expect(() => finder.find(text, stop)).toThrow('enough');
  });

  it('finds in a long text, by parts, what it finds in the whole', () => {
    const text = 'ab abb 😀b é '.repeat(1_500);
    for (const pattern of ['ab{1,2}\\b', '\\ba', '.{3}', '[^a]{1,9}', 'b{1,3} ']) {
      const expression = RE2JS.compile(pattern);
      const matcher = expression.matcher(text);
      const expected: number[] = [];
      while (matcher.find()) expected.push(matcher.start(), matcher.end());
      const spans = regexFinder(made(pattern)).find(fold(text, { today: '2026-03-01', language: 'en' }));
      expect(spans.flatMap(({ start, end }) => [start, end])).toEqual(expected);
    }
  });
});
