import { expect, test } from 'vitest';
import { languageOf } from './language.ts';

test.each<[string | undefined, string | null]>([
  [undefined, null],
  ['*', null],
  ['de', null],
  ['fr', 'fr'],
  ['FR-ca', 'fr'],
  ['pt', 'pt-BR'],
  ['pt-PT', 'pt-BR'],
  ['de, fr;q=0.8, en;q=0.9', 'en'],
  ['de;q=1, fr;q=0, *', null],
  ['fr;q=wrong, en', 'en'],
  ['f', null],
  [`${'x,'.repeat(1000)}fr`, null],
])('of en, fr and pt-BR, whoever accepts %s gets %s', (header, language) => {
  expect(languageOf(header, ['en', 'fr', 'pt-BR'])).toBe(language);
});
