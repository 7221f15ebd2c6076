import * as checks from '../identifiers/checksums.ts';
import type { Chance } from './chance.ts';
import { checked, grouped, padded, type Source, type Specimen, TWO_DIGITS } from './specimen.ts';

type Print = (compact: string) => string;

const spaced =
  (lengths: readonly number[], separator: string): Print =>
  (compact) =>
    grouped(compact, lengths, separator);
const plain: Print = (compact) => compact;

const source = (
  name: string,
  words: readonly string[],
  draw: (chance: Chance) => { readonly valid: string; readonly broken: string },
  prints: readonly Print[] = [plain],
): Source => ({
  kind: 'nationalId',
  name,
  words,
  draw: (chance): Specimen => {
    const { valid, broken } = draw(chance);
    const print = chance.of(prints);
    return { printed: print(valid), broken: print(broken) };
  },
});

const date = (chance: Chance): string =>
  TWO_DIGITS[chance.below(100)] + padded(chance.below(12) + 1) + padded(chance.below(28) + 1);
const LETTERS = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZ');
const DNI_ENDS = Array.from('TRWAGMYFPDXBNJZSQVHLCKE');
const HETU_ENDS = Array.from('0123456789ABCDEFHJKLMNPRSTUVWXY');
const letters = (chance: Chance, count: number): string =>
  Array.from({ length: count }, () => chance.of(LETTERS)).join('');

export const NATIONAL_SOURCES: readonly Source[] = [
  source(
    'United Kingdom, NHS number',
    ['NHS number', 'NHS no.', 'NHS:'],
    (chance) => checked(() => chance.digits(9), checks.holdsNhs),
    [plain, spaced([3, 3, 4], ' '), spaced([3, 3, 4], '-')],
  ),
  source(
    'United States, SSN',
    ['SSN', 'Social Security number', 'social security no.'],
    (chance) => {
      const rest = padded(chance.below(99) + 1) + padded(chance.below(9_999) + 1, 4);
      return { valid: padded(chance.below(600) + 1, 3) + rest, broken: chance.of(['000', '666', '912']) + rest };
    },
    [spaced([3, 2, 4], '-'), spaced([3, 2, 4], ' '), plain],
  ),
  source(
    'France, NIR',
    [],
    (chance) =>
      checked(
        () => `${chance.of(['1', '2'])}${date(chance).slice(0, 4)}${padded(chance.below(95) + 1)}${chance.digits(6)}`,
        checks.holdsNir,
        TWO_DIGITS,
      ),
    [plain, spaced([1, 2, 2, 2, 3, 3, 2], ' '), spaced([13, 2], ' ')],
  ),
  source(
    'Netherlands, BSN',
    ['BSN', 'burgerservicenummer:'],
    (chance) => checked(() => chance.digits(8), checks.holdsBsn),
    [plain, spaced([4, 2, 3], '.'), spaced([4, 2, 3], ' ')],
  ),
  source(
    'India, Aadhaar',
    ['Aadhaar', 'Aadhaar number:'],
    (chance) => checked(() => chance.of(Array.from('23456789')) + chance.digits(10), checks.holdsVerhoeff),
    [plain, spaced([4, 4, 4], ' '), spaced([4, 4, 4], '-')],
  ),
  source('Brazil, CPF with punctuation', [], (chance) => checked(() => chance.digits(9), checks.holdsCpf, TWO_DIGITS), [
    (compact) => `${grouped(compact.slice(0, 9), [3, 3, 3], '.')}-${compact.slice(9)}`,
  ]),
  source('Brazil, CPF digits alone', ['CPF', 'CPF nº'], (chance) =>
    checked(() => chance.digits(9), checks.holdsCpf, TWO_DIGITS),
  ),
  source(
    'South Africa, identity number',
    ['ID number', 'RSA ID', 'ID no:'],
    (chance) => checked(() => `${date(chance)}${chance.digits(4)}${chance.of(['0', '1'])}8`, checks.holdsLuhn),
    [plain, spaced([6, 4, 3], ' ')],
  ),
  source(
    'Spain, DNI',
    ['DNI', 'DNI:', 'documento de identidad'],
    (chance) => checked(() => chance.digits(8), checks.holdsDni, DNI_ENDS),
    [plain, spaced([8, 1], '-'), spaced([8, 1], ' ')],
  ),
  source('Spain, NIE', [], (chance) =>
    checked(() => chance.of(['X', 'Y', 'Z']) + chance.digits(7), checks.holdsDni, DNI_ENDS),
  ),
  source(
    'Germany, Steuer-ID',
    ['Steuer-ID', 'Steuer-IdNr.', 'Steueridentifikationsnummer:'],
    (chance) => checked(() => chance.of(Array.from('123456789')) + chance.digits(9), checks.holdsSteuerId),
    [plain, spaced([2, 3, 3, 3], ' ')],
  ),
  source('Germany, KVNR', ['KVNR', 'Versichertennummer', 'Versicherten-Nr.'], (chance) =>
    checked(() => chance.of(LETTERS) + chance.digits(8), checks.holdsKvnr),
  ),
  source('Poland, PESEL', ['PESEL', 'nr PESEL:'], (chance) =>
    checked(() => date(chance) + chance.digits(4), checks.holdsPesel),
  ),
  source(
    'Sweden, personnummer',
    ['personnummer', 'pers nr', 'Personnummer:'],
    (chance) => checked(() => date(chance) + chance.digits(3), checks.holdsLuhn),
    [plain, spaced([6, 4], '-'), (compact) => `19${compact}`, (compact) => `19${grouped(compact, [6, 4], '-')}`],
  ),
  source(
    'Portugal, NIF',
    ['NIF', 'contribuinte nº', 'NIF:'],
    (chance) => checked(() => chance.of(Array.from('12356')) + chance.digits(7), checks.holdsNif),
    [plain, spaced([3, 3, 3], ' ')],
  ),
  source(
    'Belgium, national number with punctuation',
    [],
    (chance) => checked(() => date(chance) + chance.digits(3), checks.holdsBelgian, TWO_DIGITS),
    [(compact) => `${grouped(compact.slice(0, 6), [2, 2, 2], '.')}-${compact.slice(6, 9)}.${compact.slice(9)}`],
  ),
  source('Finland, identity code', ['hetu', 'henkilötunnus:'], (chance) =>
    checked(
      () => {
        const [year, rest] = [date(chance), chance.digits(3)];
        return `${year.slice(4)}${year.slice(2, 4)}${year.slice(0, 2)}${chance.of(['-', 'A'])}${rest}`;
      },
      checks.holdsHetu,
      HETU_ENDS,
    ),
  ),
  source('Italy, codice fiscale', [], (chance) =>
    checked(
      () =>
        `${letters(chance, 6)}${chance.digits(2)}${chance.of(Array.from('ABCDEHLMPRST'))}${padded(chance.below(31) + 1)}${letters(chance, 1)}${chance.digits(3)}`,
      checks.holdsCodiceFiscale,
      LETTERS,
    ),
  ),
];
