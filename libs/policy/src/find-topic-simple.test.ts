import { describe, expect, it } from 'vitest';
import { type Chance, chanceOf } from './corpus/chance.ts';
import { topicFinder } from './find-topic.ts';
import { fold, folded } from './fold.ts';

// A topic shares the beginnings of its phrases and looks at places that could be one's. Held here against a finder that does neither:
// each phrase as an expression of its own, wherever a word begins, the earliest and then the longest.

const HERE = { today: '2026-03-01', language: 'en' };
const LETTER = String.raw`[\p{L}\p{N}\p{M}]`;
const GAP = String.raw`(?=[\s,-]{1,4}[^\s,-])(?:\s+|\s*[-,]\s*)`;
const IS_LETTER = new RegExp(LETTER, 'u');

const WORD_BEGINS = new RegExp(`(?<!${LETTER})${LETTER}`, 'gu');

const capitalised = (text: string): string =>
  text.replace(new RegExp(`${LETTER}+`, 'gu'), (it) => it.charAt(0).toUpperCase() + it.slice(1));

function expressionOf(phrase: string): string {
  const words = folded(phrase)
    .toLowerCase()
    .split(/[\s,-]+/);
  // An apostrophe may be anywhere within a word, or nowhere.
  const parts = words.map((word) => Array.from(word.replaceAll(/['`]/g, '')).join("['`]?"));
  return parts.join(GAP);
}

function simpleFinder(phrases: readonly string[]): (text: string) => string[] {
  const forms = phrases.flatMap((it) => [it, it.toUpperCase(), it.toLowerCase(), capitalised(it)]);
  const expressions = [...new Set(forms.map(expressionOf))].map((source) => new RegExp(source, 'uy'));
  return (text) => {
    const { folded: plain, origin, originEnd } = fold(text, HERE);
    const lower = plain.toLowerCase();
    const found: string[] = [];
    let from = 0;
    for (const { index: at } of lower.matchAll(WORD_BEGINS)) {
      if ((origin[at] ?? 0) < from) continue;
      const lengths = expressions.map((expression) => {
        expression.lastIndex = at;
        const { length } = expression.exec(lower)?.[0] ?? '';
        return IS_LETTER.test(lower.charAt(at + length)) ? 0 : length;
      });
      const longest = Math.max(...lengths);
      if (longest === 0) continue;
      from = originEnd[at + longest - 1] ?? 0;
      found.push(`${origin[at]}: ${text.slice(origin[at] ?? 0, from)}`);
    }
    return found;
  };
}

/** Few words, many of which begin alike or are a part of another: so that phrases share, overlap and end within each other. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  en: ["can't", 'cant', 'can', 't', 'breathe', 'breath', 'chest', 'pain', 'self', 'harm', "I'll", 'ill', 'x2'],
  fr: ["n'arrive", 'arrive', 'n', 'à', 'respirer', 'cœur', 'coeur', 'mal', "s'étouffe", 'étouffe', 'plus', 'fièvre'],
  de: ['Überdosis', 'über', 'dosis', 'groß', 'gross', 'Öl', 'Herz', 'Schmerz', "geht's", 'gehts', 'nicht', 'ß'],
  sw: ['kifua', 'maumivu', 'ya', 'moyo', "ng'ombe", 'ngombe', 'ng', 'damu', 'nyingi', 'siwezi', 'kupumua', 'pumua'],
  ru: ['боль', 'в', 'груди', 'Сильная', 'сильно', 'высокое', 'кровь', 'не', 'дышит', 'дыши', 'ребёнок', 'сос'],
  zh: ['胸痛', '胸', '痛', '呼吸', '困难', 'a', 'ａ', '１２', '12', 'ab', 'b'],
};
const ALIKE = [' ', ' ', ' ', '  ', '\n', '\u00a0', ', ', ',', '-', ' - ', '\u2011', '    ', '\t \t'];
const OTHER = ['', '. ', '; ', '     ', '--', '_', ' / ', ' , , ', '\n\n\n\n\n', '…', '” “'];

const phraseOf = (chance: Chance, words: readonly string[]): string =>
  Array.from({ length: 1 + chance.below(4) }, () => chance.of(words)).join(chance.of([' ', ' ', '-', ', ']));

function asTyped(chance: Chance, word: string): string {
  const cased = chance.of([word, word, word.toUpperCase(), word.toLowerCase(), capitalised(word)]);
  switch (chance.below(6)) {
    case 0:
      return cased.replaceAll("'", '');
    case 1:
      return cased.replaceAll("'", chance.of(['’', '`', '′']));
    case 2:
      return cased.normalize('NFD');
    default:
      return cased;
  }
}

const textOf = (chance: Chance, words: readonly string[], phrases: readonly string[]): string =>
  Array.from({ length: 2 + chance.below(6) }, () => {
    const said = chance.below(2) === 0 ? [chance.of(words)] : chance.of(phrases).split(/[\s,-]+/);
    const typed = said.map((word) => asTyped(chance, word));
    return typed.reduce((before, word) => before + chance.of(chance.below(8) === 0 ? OTHER : ALIKE) + word);
  }).reduce((before, part) => before + chance.of(chance.below(3) === 0 ? OTHER : ALIKE) + part);

const TOPICS = 600;
const TEXTS = 10;

describe('a topic finds what a simple finder of its phrases does', () => {
  it.each(Object.keys(WORDS))(
    `in ${TOPICS * TEXTS} texts in %s`,
    (language) => {
      const chance = chanceOf(language.charCodeAt(0) * 256 + language.charCodeAt(1));
      const words = WORDS[language] ?? [];
      let hits = 0;
      for (let topic = 0; topic < TOPICS; topic += 1) {
        const phrases = Array.from({ length: 1 + chance.below(8) }, () => phraseOf(chance, words));
        const made = topicFinder(phrases);
        if (made.kind === 'refused') throw new Error(made.why);
        const simple = simpleFinder(phrases);
        for (let n = 0; n < TEXTS; n += 1) {
          const text = textOf(chance, words, phrases);
          const found = made.finder
            .find(fold(text, HERE))
            .map(({ start, end }) => `${start}: ${text.slice(start, end)}`);
          const expected = simple(text);
          hits += expected.length;
          if (found.join('|') !== expected.join('|'))
            expect({ phrases, text, found }).toEqual({ phrases, text, found: expected });
        }
      }
      // The texts are about what is looked for.
      expect(hits).toBeGreaterThan(TOPICS * TEXTS);
    },
    60_000,
  );
});
