import type { Finder } from '../model.ts';
import { holdsLuhn } from './checksums.ts';
import { mentionedBefore } from './context.ts';
import { numberFinder } from './number-finder.ts';

// By the ranges that the schemes publish and the lengths that they issue; Luhn alone agrees with one number in ten.
const ISSUED: readonly (readonly [RegExp, readonly number[]])[] = [
  [/^4/, [13, 16, 19]],
  [/^(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, [16]],
  [/^3[47]/, [15]],
  [/^(?:6011|64[4-9]|65)/, [16, 19]],
  [/^35(?:2[89]|[3-8])/, [16, 19]],
  [/^3(?:0[0-5]|095|6|[89])/, [14]],
  [/^62/, [16, 17, 18, 19]],
  [/^(?:5018|5020|5038|5893|6304|6759|676[1-3])/, [13, 15, 16, 18, 19]],
];

const isIssued = (digits: string): boolean =>
  ISSUED.some(([prefix, lengths]) => prefix.test(digits) && lengths.includes(digits.length));

/** A number that is announced as one of these is not a card's: laboratories and makers number in the same lengths. */
const otherwise = mentionedBefore([
  'accession|specimens?|samples?|lot|batch|barcode|gtin|udi|serial|order|tracking',
  'echantillons?|prelevements?|commande|code-barres|serie',
  'muestras?|lote|pedido|amostras?|codigo de barras',
  'proben?(?:nummer)?|auftrags?(?:nummer)?|charge|chargennummer|barcode',
  'sampuli|oda',
]);

/** Payment cards: digits alone or in the groups in which they are printed. */
export const cardNumberFinder: Finder = numberFinder(
  [
    {
      forms: [
        /\d{4}([ .-])\d{4}\1\d{4}\1\d{4}\1\d{3}/y,
        /\d{4}([ .-])\d{4}\1\d{4}\1\d{4}/y,
        /\d{4}([ .-])\d{6}\1\d{4,5}/y,
        /\d{13,19}/y,
      ],
      isValid: (digits) => isIssued(digits) && holdsLuhn(digits),
      announcing: { holds: (before) => !otherwise.holds(before), couldHold: () => true },
    },
  ],
  { fewest: 13, between: '[ .-]?' },
  /\d{4}/g,
);
