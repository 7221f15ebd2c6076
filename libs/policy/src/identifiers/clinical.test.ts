import { describe, expect, it } from 'vitest';

import { chanceOf } from '../corpus/chance.ts';
import { CLINICAL_CORPUS } from '../corpus/clinical.ts';
import { foundIn, WITHOUT_TERMS } from './finders.fixture.ts';

describe('the clinical corpus', () => {
  it('has at least 400 sentences in six languages, none twice', () => {
    const sentences = Object.values(CLINICAL_CORPUS).flat();
    expect(Object.keys(CLINICAL_CORPUS)).toEqual(['en', 'fr', 'es', 'de', 'pt', 'sw']);
    expect(sentences.length).toBeGreaterThanOrEqual(400);
  });

  it.each(WITHOUT_TERMS)('is not hit by the recogniser of %s', (kind) => {
    const hits = Object.entries(CLINICAL_CORPUS).flatMap(([language, sentences]) =>
      sentences.flatMap((sentence) => foundIn(kind, sentence, language).map((found) => `${sentence} :: ${found}`)),
    );
    expect(hits).toEqual([]);
  });

  // What ends one sentence could announce what begins the next.
  it.each(WITHOUT_TERMS)('is not hit by the recogniser of %s in notes of other orders', (kind) => {
    const chance = chanceOf(4);
    for (const [language, sentences] of Object.entries(CLINICAL_CORPUS))
      for (const joint of [' ', '\n', ', ', '; ', ' – '].flatMap((it) => [it, it])) {
        const note = Array.from({ length: 60 }, () => chance.of(sentences).replace(/\.$/, '')).join(joint);
        expect(foundIn(kind, note, language)).toEqual([]);
      }
  });
});
