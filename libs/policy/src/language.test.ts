import { expect, it } from 'vitest';
import { chooseLanguage } from './language.ts';

it.each([
  [null, 'en'],
  ['', 'en'],
  ['*', 'en'],
  ['fr', 'en'],
  ['de', 'de-CH'],
  ['de-CH', 'de-CH'],
  ['DE-at', 'de-CH'],
  ['pt-BR', 'pt'],
  ['fr, de;q=0.5, pt;q=0.9', 'pt'],
  ['de;q=0, pt', 'pt'],
  ['fr-CH,fr;q=0.9,en;q=0.8,de;q=0.7,*;q=0.5', 'en'],
  ['pt;q=nonsense, de', 'de-CH'],
  [','.repeat(10_000), 'en'],
])('of %s, a policy in English, Swiss German and Portuguese answers in %s', (asked, language) => {
  expect(chooseLanguage(['en', 'de-CH', 'pt'], asked)).toBe(language);
});
