import { describe, expect, it } from 'vitest';

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
});
