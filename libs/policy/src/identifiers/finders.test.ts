import type { IdentifierKind } from '@openward/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { fold } from '../fold.ts';
import { NO_SITE_TERMS } from '../model.ts';
import { finder, foundIn, TODAY, WITHOUT_TERMS } from './finders.fixture.ts';
import { finderOf } from './index.ts';

/** A text, and what is found in it; `→` and what stands instead. */
type Example = readonly [text: string, found: readonly string[]];

const EMAIL: readonly Example[] = [
  ['Write to amina.otieno@example.org.', ['amina.otieno@example.org']],
  ['a@b.co, c+d@e-f.example.com; "x_y@z.example"', ['a@b.co', 'c+d@e-f.example.com', 'x_y@z.example']],
  ['<josé@exemplo.pt>', ['josé@exemplo.pt']],
  ['amina＠example．org', ['amina＠example．org']],
  ['ami\u200Bna@exam\u00ADple.org', ['ami\u200Bna@exam\u00ADple.org']],
  ['1 tab @ 08:00, 2@10, x@y, user@localhost', []],
];

const PHONE: readonly Example[] = [
  ['+44 20 7946 0958', ['+44 20 7946 0958']],
  ['(+44 (0)20 7946 0958)', ['+44 (0)20 7946 0958']],
  ['+1 (202) 555-0143, +1 202 555-0143', ['+1 (202) 555-0143', '+1 202 555-0143']],
  ['+254712345678 and +33 6 12 34 56 78', ['+254712345678', '+33 6 12 34 56 78']],
  ['Tel. 020 7946 0958, seen 12/05/2024', ['020 7946 0958']],
  ['+44 20 7946 0958 12/05/2024', ['+44 20 7946 0958']],
  ['+44 20 7946 0958 14:30', ['+44 20 7946 0958']],
  ['Call me on (0207) 946 0958', ['(0207) 946 0958']],
  ['Tél. : 06 12 34 56 78', ['06 12 34 56 78']],
  ['téléphone 06.12.34.56.78', ['06.12.34.56.78']],
  ['Handynummer: 0151 23456789', ['0151 23456789']],
  ['Telefon 030/12345678', ['030/12345678']],
  ['móvil 612 345 678', ['612 345 678']],
  ['telemóvel: 912 345 678', ['912 345 678']],
  ['simu yangu ni 0712 345 678', ['0712 345 678']],
  ['+44·7911·123456, +٤٤ ٧٩١١ ١٢٣٤٥٦', ['+44·7911·123456', '+٤٤ ٧٩١١ ١٢٣٤٥٦']],
  ['called: 12·1 9·8 11·2, K 4·1', []],
  ['Tel: +999 12345678', []],
  ['020 7946 0958 without a word', []],
  ['call 112, 999, 116 123 or 116117', []],
  ['mobile on 12.05.2024, phone 12/05/2024, called 2024-05-12 10:30', []],
  ['called: 12.1 9.8 11.2', []],
];

const CARD: readonly Example[] = [
  ['4111 1111 1111 1111 and 5555-5555-5555-4444', ['4111 1111 1111 1111', '5555-5555-5555-4444']],
  ['3782 822463 10005, 30569309025904', ['3782 822463 10005', '30569309025904']],
  ['4111111111111111 123', ['4111111111111111']],
  ['4111·1111·1111·1111, ४१११ ११११ ११११ ११११', ['4111·1111·1111·1111', '४१११ ११११ ११११ ११११']],
  ['4111 1111 1111 1111 123', ['4111 1111 1111 1111']],
  ['4111 1111 1111 1112', []],
  ['accession 4111111111111111', []],
  ['1234567890123452', []],
  ['x4111111111111111, 41111111111111111111, 4111111111111111.5', []],
];

const BIRTH: readonly Example[] = [
  ['DOB 15/03/1984', ['15/03/1984 → 41 years']],
  ['DOB: 1984-02-28', ['1984-02-28 → 42 years']],
  ['D.O.B. 28.02.84', ['28.02.84 → 42 years']],
  ['Date of birth (dd/mm/yyyy): 28/02/1984', ['28/02/1984 → 42 years']],
  ['born on the 4th of May 1970', ['4th of May 1970 → 55 years']],
  ['born May 4, 1970', ['May 4, 1970 → 55 years']],
  ['born 01/12/2025', ['01/12/2025 → 3 months or 13 months']],
  ['born 20/02/2026 at 39 weeks', ['20/02/2026 → 1 week']],
  ['born 15/11/2024', ['15/11/2024 → 15 months']],
  ['DOB 01/02/1930', ['01/02/1930 → over 89 years']],
  ['DOB 31/02/1980', []],
  ['DOB 14/04/2026', []],
  ['born prematurely, seen on 12/05/2024', []],
  ['seen 12/05/2024', []],
];

const BIRTH_IN: readonly [string, string, readonly string[]][] = [
  ['fr', 'Né le 4 mai 1970', ['4 mai 1970 → 55 ans']],
  ['fr', 'Date de naissance : 15/11/2024', ['15/11/2024 → 15 mois']],
  ['es', 'nacida el 4 de mayo de 1970', ['4 de mayo de 1970 → 55 años']],
  ['de', 'geb. 4. Mai 1970', ['4. Mai 1970 → 55 Jahre']],
  ['de', 'geboren am 04.05.1970', ['04.05.1970 → 55 Jahre']],
  ['pt', 'data de nascimento: 04/05/1970', ['04/05/1970 → 55 anos']],
  ['sw', 'alizaliwa tarehe 04/05/1970', ['04/05/1970 → miaka 55']],
  ['xx', 'born 1970-05-04', ['1970-05-04 → 55 years']],
];

const NATIONAL: readonly Example[] = [
  ['NHS number 943 476 5919', ['943 476 5919']],
  ['NHS No: 9434765919, DOB 1/2/80', ['9434765919']],
  ['SSN 219-09-9999', ['219-09-9999']],
  ['2 55 08 14 168 025 38', ['2 55 08 14 168 025 38']],
  ['BSN 111222333', ['111222333']],
  ['111.444.777-35', ['111.444.777-35']],
  ['DNI 12345678Z y NIE X1234567L', ['12345678Z', 'X1234567L']],
  ['Steuer-ID 86 095 742 719', ['86 095 742 719']],
  ['KVNR A123456780', ['A123456780']],
  ['PESEL 44051401359', ['44051401359']],
  ['personnummer 811218-9876', ['811218-9876']],
  ['RSA ID 8001015009087', ['8001015009087']],
  ['NIF 123456789', ['123456789']],
  ['85.07.30-033.28', ['85.07.30-033.28']],
  ['henkilötunnus 131052-308T', ['131052-308T']],
  ['RSSMRA85T10A562S', ['RSSMRA85T10A562S']],
  ['NHS number 943 476 5918', []],
  ['943 476 5919', []],
  ['sample 131052-308T', []],
  ['NHS trust, glucose 5.4', []],
];

describe('recognisers', () => {
  const kinds: readonly (readonly [IdentifierKind, readonly Example[]])[] = [
    ['email', EMAIL],
    ['phone', PHONE],
    ['cardNumber', CARD],
    ['dateOfBirth', BIRTH],
    ['nationalId', NATIONAL],
  ];

  describe.each(kinds)('of %s', (kind, examples) => {
    it.each(examples)('read “%s”', (text, found) => {
      expect(foundIn(kind, text)).toEqual(found);
    });
  });

  it.each(BIRTH_IN)('say the age in the language of the request (%s: %s)', (language, text, found) => {
    expect(foundIn('dateOfBirth', text, language)).toEqual(found);
  });
});

describe('record numbers', () => {
  const terms = (recordNumber: string) => ({ ...NO_SITE_TERMS, recordNumber });

  it('are found by the site’s own pattern, as whole words', () => {
    expect(foundIn('recordNumber', 'MRN-123456, mrn-1234567, xMRN-123456', 'en', terms('MRN-\\d{6}'))).toEqual([
      'MRN-123456',
    ]);
    expect(foundIn('recordNumber', 'file #004512/24.', 'en', terms('#\\d{6}/\\d{2}'))).toEqual(['#004512/24']);
  });

  it('are not looked for at a site that gave no pattern', () => {
    expect(foundIn('recordNumber', 'MRN-123456')).toEqual([]);
  });

  it.each(['\\d+', 'MRN(', 'a*', '^\\d{6}$', 'a)|(b', '(\\d{4}){40}', ''])(
    'refuse the pattern “%s” with a reason',
    (pattern) => {
      const refused = finderOf('recordNumber', terms(pattern));
      expect('refused' in refused && refused.refused).toMatch(/\w/);
    },
  );
});

// What a stream relies on: see `Finder`.
describe('every recogniser', () => {
  const pieces = [...EMAIL, ...PHONE, ...CARD, ...BIRTH, ...NATIONAL].map(([text]) => text);
  const scraps = [
    '@',
    '.',
    '-',
    ' ',
    '/',
    '(',
    '+',
    '4',
    '19',
    '2024',
    '111',
    'DOB ',
    'tel ',
    'NHS ',
    'a',
    'É',
    '\n',
    '411111',
    '🙂',
  ];
  const texts = fc
    .array(fc.oneof(fc.constantFrom(...pieces), fc.constantFrom(...scraps), fc.constantFrom(...scraps)), {
      maxLength: 24,
    })
    .map((parts) => parts.join(''));

  it.each(WITHOUT_TERMS)('finds by bounded surroundings alone, and no longer matches than it says (%s)', (kind) => {
    const recogniser = finder(kind);
    const { longest, before, after } = recogniser;
    const given = { today: TODAY, language: 'en' };
    fc.assert(
      fc.property(texts, fc.nat(400), (text, at) => {
        const whole = fold(text, given);
        const spans = recogniser.find(whole);
        for (const [index, { start, end }] of spans.entries()) {
          expect(start).toBeGreaterThanOrEqual(spans[index - 1]?.end ?? 0);
          expect(end).toBeGreaterThan(start);
        }
        if (whole.folded !== text) return;
        for (const { start, end } of spans) expect(end - start).toBeLessThanOrEqual(longest ?? 0);
        // The same text cut: what starts at `from` or behind it, and is decided before the end, is what the whole gives.
        const from = Math.min(at, text.length);
        const left = Math.max(0, from - before);
        const right = Math.min(text.length, from + 150 + (longest ?? 0) + after);
        const offset = (folded: ReturnType<typeof fold>) => recogniser.find({ ...folded, from: from - left });
        const cut = offset({
          ...fold(text.slice(left, right), given),
          isStart: left === 0,
          isEnd: right === text.length,
        });
        const isDecided = (start: number): boolean => right === text.length || start + (longest ?? 0) + after <= right;
        const expected = spans.filter(({ start }) => start >= from && isDecided(start));
        const seen = cut.map((span) => ({ ...span, start: span.start + left, end: span.end + left }));
        const crossing = spans.some(({ start, end }) => start < from && end > from);
        if (!crossing) expect(seen.filter(({ start }) => isDecided(start))).toEqual(expected);
      }),
      { seed: 4, numRuns: 1_500 },
    );
  });

  it.each(WITHOUT_TERMS)('takes time linear in the text (%s)', (kind) => {
    const recogniser = finder(kind);
    const hostile = ['1', 'a', '@', '1 ', '1.', '+1', '(1', '12/', 'a@', 'a.', '41111111 ', 'dob ', 'tel 12 '];
    const took = (text: string): number => {
      const folded = fold(text, { today: TODAY, language: 'en' });
      const before = process.cpuUsage();
      recogniser.find(folded);
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1_000;
    };
    // In milliseconds of the processor, whoever else is at work; a quadratic search of 100,000 characters takes many times more.
    for (const part of hostile) expect(took(part.repeat(100_000 / part.length))).toBeLessThan(2_000);
  });
});
