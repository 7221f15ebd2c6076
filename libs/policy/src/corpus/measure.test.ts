import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { chanceTable } from './chance-numbers.ts';
import { CLINICAL_CORPUS } from './clinical.ts';
import {
  clinicalTable,
  handWrittenTable,
  measureRecognisers,
  recogniserTable,
  SEED,
  starterHits,
  TODAY,
} from './measure.ts';

const measured = measureRecognisers();
const page = readFileSync(join(import.meta.dirname, '../../../../docs/policy.md'), 'utf8');

describe('docs/policy.md', () => {
  // A table that differs is put into the page as the test shows it, after a look at what became worse.
  it.each([
    ['the clinical corpus', clinicalTable()],
    ['identifiers as they are written', recogniserTable(measured)],
    ['identifiers as people also write them', handWrittenTable()],
    ['numbers at random', chanceTable(SEED, TODAY)],
  ])('has the figures that are measured (%s)', (_, table) => {
    expect(page).toContain(table);
  });
});

describe('the starter policy', () => {
  it.each(Object.keys(CLINICAL_CORPUS))(
    'leaves the clinical corpus byte for byte, as questions and as replies (%s)',
    (language) => {
      expect(starterHits(language).filter(({ isChanged }) => isChanged)).toEqual([]);
    },
  );

  it('escalates of it only what names a red flag, and blocks nothing', () => {
    const hits = Object.keys(CLINICAL_CORPUS).flatMap((language) => starterHits(language));
    expect(new Set(hits.flatMap(({ rules }) => rules))).toEqual(new Set(['emergency']));
  });
});

describe('the corpus of identifiers', () => {
  it('is found where it is announced, but for dates of birth behind the name of a place', () => {
    const missed = measured.filter(({ counts }) => counts.valid.none + counts.valid.part > 0);
    expect(missed.map(({ name }) => name)).toEqual(['date of birth']);
  });

  it('is not found with a wrong check digit', () => {
    const found = measured.filter(({ counts }) => counts.broken.whole > 0);
    expect(found.map(({ name }) => name)).toEqual([]);
  });
});
