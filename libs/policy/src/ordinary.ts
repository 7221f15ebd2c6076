import { clinicalMatches } from './clinical-changes.ts';
import { CLINICAL_CORPUS } from './corpus/clinical.ts';
import { fold } from './fold.ts';
import { recordNumberFinder } from './identifiers/record-number.ts';

// A form of record numbers that is too wide takes a dose, a date or a telephone number for one. Whoever gives it is shown at once
// what else it would take, in sentences about no patient, and decides whether that is meant.

/** Beside the clinical corpus, which has few telephone numbers and no bare numbers of each length. */
const EVERYDAY: readonly string[] = [
  'The children in bed 7 and bed 14 ate well.',
  'Ward 302 has 12 beds.',
  'Seen in 2024.',
  '4821 people came to the clinic.',
  '48213 tablets are in stock.',
  'Postal code 10115.',
  'Order 482135 has come.',
  'Parcel 4821357 has not.',
  'Batch 48213579 is to be used first.',
  'Invoice 482135790 is paid.',
  'Call 555-0123 or 555 0123.',
  'Call 020 7946 0123, 0712 345 678 or 0712345678.',
  'Call +254 712 345678 or +254712345678.',
  'Room A12, desk B204.',
  'Vitamin B12, H1N1 and COVID-19.',
];

export interface OrdinaryMatch {
  readonly sentence: string;
  readonly found: string;
}

export interface OrdinaryMatches {
  /** In how many sentences, of how many. */
  readonly sentences: number;
  readonly of: number;
  /** A few, each of another form of number or word, in sentences that differ. */
  readonly examples: readonly OrdinaryMatch[];
}

const SENTENCES = EVERYDAY.length + Object.values(CLINICAL_CORPUS).flat().length;
const MOST_EXAMPLES = 5;
const MOST_SENTENCE = 160;

/** What a site's form of record numbers takes that is none; nothing of a pattern that is refused. */
export function ordinaryMatches(recordNumber: string): OrdinaryMatches {
  const finder = recordNumberFinder(recordNumber);
  const everyday =
    'refused' in finder
      ? []
      : EVERYDAY.flatMap((sentence) =>
          finder
            .find(fold(sentence, { today: '2026-03-01', language: 'en' }))
            .map(({ start, end }) => ({ sentence, found: sentence.slice(start, end) })),
        );
  const clinical = clinicalMatches(recordNumber).map(({ sentence, found }) => ({ sentence, found }));
  const all = [...clinical, ...everyday];
  const examples: OrdinaryMatch[] = [];
  for (const one of all.filter(({ sentence }) => sentence.length <= MOST_SENTENCE)) {
    if (examples.length === MOST_EXAMPLES) break;
    const isKnown = (it: OrdinaryMatch): boolean =>
      it.sentence === one.sentence || formOf(it.found) === formOf(one.found);
    if (!examples.some(isKnown)) examples.push(one);
  }
  return { sentences: new Set(all.map(({ sentence }) => sentence)).size, of: SENTENCES, examples };
}

/** `12/05/2024` as `0/0/0`: one example of each is enough. */
const formOf = (found: string): string => found.replace(/\d+/g, '0').replace(/\p{L}+/gu, 'a');
