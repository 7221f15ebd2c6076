import fc from 'fast-check';
import { expect, it } from 'vitest';
import { regexFinder } from './find-regex.ts';
import { fold } from './fold.ts';
import { compilePattern } from './patterns.ts';
import { generatedRules } from './streams.fixture.ts';

it('finds from where a match may begin what it finds from the beginning on', () => {
  const part = fc.constantFrom(
    'a',
    'b',
    'c',
    'B',
    'ab',
    'mg',
    ' ',
    '1',
    '12',
    'é',

    '😀',
    '\uD83D',
    '\n',
    'kKſ',
    '-',
  );
  const text = fc.array(part, { minLength: 50, maxLength: 300, size: 'max' }).map((parts) => parts.join(''));
  let found = 0;
  for (const { match } of generatedRules(12, 150).flat()) {
    if (match.kind !== 'regex') continue;
    const compiled = compilePattern(match.pattern, match.ignoreCase);
    if (compiled.kind === 'refused') continue;
    const finder = regexFinder(compiled.pattern);
    fc.assert(
      fc.property(text, (said) => {
        const folded = fold(said, { today: '2026-03-01', language: 'en' });
        const matcher = compiled.pattern.expression.matcher(folded.folded);
        const expected: string[] = [];
        while (matcher.find())
          expected.push(`${folded.origin[matcher.start()]} ${folded.originEnd[matcher.end() - 1]}`);
        found += expected.length;
        expect(finder.find(folded).map(({ start, end }) => `${start} ${end}`)).toEqual(expected);
      }),
      { seed: 5, numRuns: 10 },
    );
  }
  expect(found).toBeGreaterThan(10_000);
});
