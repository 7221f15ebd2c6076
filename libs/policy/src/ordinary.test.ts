import { expect, it } from 'vitest';
import { ordinaryMatches } from './ordinary.ts';
import { compilePattern } from './patterns.ts';

it.each([
  ['a dose', String.raw`\d{3} mg`, '500 mg'],
  ['a date', String.raw`\d{2}/\d{2}/\d{4}`, '12/05/2024'],
  ['a year', String.raw`(19|20)\d\d`, '2024'],
  ['a telephone number', String.raw`07\d{8}`, '0712345678'],
  ['any number of five digits', String.raw`\d{5}`, '48213'],
  ['any number of seven digits', '[0-9]{7}', '4821357'],
  ['a count of cells', String.raw`[A-Z]\d{2}`, 'x10'],
])('a form of record numbers that takes %s is shown a sentence that has one', (_, pattern, found) => {
  expect(ordinaryMatches(pattern).examples.map((one) => one.found)).toContain(found);
});

it('of a form that says what announces it, and of one that is refused, there is nothing to show', () => {
  for (const pattern of ['MRN-[0-9]{6}', String.raw`KH/\d{4}/\d{5}`, '(', String.raw`\d*`])
    expect(ordinaryMatches(pattern)).toMatchObject({ sentences: 0, examples: [] });
});

it('shows few sentences, each with another form, and says how many there are', () => {
  const { sentences, of, examples } = ordinaryMatches('.{1,5}');
  expect(sentences).toBeGreaterThan(400);
  expect(of).toBeGreaterThanOrEqual(sentences);
  expect(examples).toHaveLength(5);
  expect(new Set(examples.map(({ sentence }) => sentence)).size).toBe(5);
});

it('what is no pattern is told in the words that were written', () => {
  const of = (pattern: string) => compilePattern(pattern, true);
  expect(of('MRN-(')).toMatchObject({ message: 'missing closing ): `MRN-(`. The syntax is that of RE2.' });
});
