import { expect, it } from 'vitest';
import { folded } from './fold.ts';
import { mayBegin } from './may-begin.ts';
import { compilePattern } from './patterns.ts';

const mayBeginIn = (patterns: readonly string[], text: string): boolean =>
  mayBegin(
    patterns.map((pattern) => {
      const compiled = compilePattern(pattern, true);
      if (compiled.kind !== 'ok') throw new Error(compiled.message);
      return compiled.pattern;
    }),
  )(folded(text));

it.each([
  // "miti" has a letter of each at every place, and begins as neither of them.
  ['(?:insulin|metformin)', 'Vomiting since today.', false],
  ['(?:insulin|metformin)', 'Takes METFORMIN.', true],
  ['ab', 'a', false],
  ['ab', 'ab', true],
  ['a', 'za', true],
  ['überdosis', 'Über allem.', true],
  ['überdosis', 'Für alle.', false],
  ['.ox', 'Fèox', true],
  ['k\\d', 'Temperature 300 \u212A1', true],
  ['so\\b', '\u017Fo', true],
  // What asks where a text begins is looked for itself.
  ['^now', 'Later.', true],
])('the pattern %s in %j: %s', (pattern, text, may) => {
  expect(mayBeginIn([pattern], text)).toBe(may);
});

it('looks for as many patterns as a policy has, and for one with more beginnings than are told apart', () => {
  const letters = Array.from({ length: 26 }, (_, at) => String.fromCharCode(97 + at));
  const many = letters.flatMap((one) => letters.map((other) => `${one}${other}7`));
  expect(mayBeginIn(many, 'Only words here, and 7.')).toBe(false);
  expect(mayBeginIn(many, 'Here is zz7.')).toBe(true);
  const wide = `(?:${letters.map((one) => `${one}7`).join('|')})`;
  expect(mayBeginIn([wide], 'Only words here, and 77.')).toBe(false);
  expect(mayBeginIn([wide], 'Here is q7.')).toBe(true);
});
