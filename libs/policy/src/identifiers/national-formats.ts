import { isCalendarDate } from './calendar.ts';
import * as checks from './checksums.ts';
import { ANYWHERE, mentionedBefore } from './context.ts';
import type { NumberFormat } from './number-finder.ts';

// National identifiers that have check digits, and the United States' that has rules. No mature library for them was found in
// TypeScript: these are written by hand after what the issuers publish. Bare digits need a word that announces them; a form that
// hardly anything else has (letters at fixed places, or two check digits with their punctuation) does not.

export interface NationalFormat extends NumberFormat {
  readonly country: string;
  readonly name: string;
  readonly needsWord: boolean;
}

const ANY_COUNTRY = [
  'national id(?:entity|entification)?|id(?:entity|entification)? (?:number|no|card)|personal number',
  "numero d'identite|carte d'identite|documento de identidad|cedula|cartao de cidadao",
  'documento de identidade|ausweis(?:nummer|nr)?|kitambulisho',
];

const announced = (...words: readonly string[]): Pick<NationalFormat, 'announcing' | 'needsWord'> => ({
  announcing: mentionedBefore([...words, ...ANY_COUNTRY]),
  needsWord: true,
});

const anywhere: Pick<NationalFormat, 'announcing' | 'needsWord'> = { announcing: ANYWHERE, needsWord: false };

const isBornOn = (yearOfTwo: string, month: number, day: number): boolean =>
  ['19', '20'].some((century) => isCalendarDate(Number(century + yearOfTwo), month, day));

const startsWithDate = (digits: string): boolean =>
  isBornOn(digits.slice(0, 2), Number(digits.slice(2, 4)), Number(digits.slice(4, 6)));

/** A SSN has no check digit; the Social Security Administration never gave these. */
const isGivenSsn = (digits: string): boolean =>
  !/^(?:000|666|9)/.test(digits) && digits.slice(3, 5) !== '00' && digits.slice(5) !== '0000';

const withoutCentury = (digits: string): string => digits.slice(-10);

/** With `-` or `+` for the century, which are no letters, or with the letter. */
const holdsHetu = (compact: string): boolean =>
  checks.holdsHetu(compact.length === 10 ? `${compact.slice(0, 6)}-${compact.slice(6)}` : compact);

/** In Poland the month says the century: 01 to 12, and 20, 40, 60 or 80 more. */
const isPesel = (digits: string): boolean =>
  isBornOn(digits.slice(0, 2), Number(digits.slice(2, 4)) % 20, Number(digits.slice(4, 6))) &&
  checks.holdsPesel(digits);

export const NATIONAL_FORMATS: readonly NationalFormat[] = [
  {
    country: 'United Kingdom',
    name: 'NHS number',
    forms: [/\d{3}([ -])\d{3}\1\d{4}/y, /\d{10}/y],
    isValid: checks.holdsNhs,
    ...announced('nhs'),
  },
  {
    country: 'United States',
    name: 'Social Security number',
    forms: [/\d{3}([ -])\d{2}\1\d{4}/y, /\d{9}/y],
    isValid: isGivenSsn,
    ...announced('ssn', 'social security'),
  },
  {
    country: 'France',
    name: 'NIR',
    forms: [/[1-478] \d{2} [0-9]{2} (?:\d{2}|2[AB]) \d{3} \d{3} ?\d{2}/y, /[1-478]\d{4}(?:\d{2}|2[AB])\d{6} ?\d{2}/y],
    isValid: (compact) => /^.{3}(?:0[1-9]|1[0-2]|[2-4]\d|[5-9]\d)/.test(compact) && checks.holdsNir(compact),
    ...anywhere,
  },
  {
    country: 'Netherlands',
    name: 'BSN',
    forms: [/\d{4}([ .])\d{2}\1\d{3}/y, /\d{9}/y],
    isValid: checks.holdsBsn,
    ...announced('bsn', 'burgerservicenummer', 'sofinummer'),
  },
  {
    country: 'India',
    name: 'Aadhaar',
    forms: [/[2-9]\d{3}([ -])\d{4}\1\d{4}/y, /[2-9]\d{11}/y],
    isValid: checks.holdsVerhoeff,
    ...announced('aadhaar', 'aadhar', 'uidai'),
  },
  {
    country: 'Brazil',
    name: 'CPF, with its punctuation',
    forms: [/\d{3}\.\d{3}\.\d{3}-\d{2}/y],
    isValid: checks.holdsCpf,
    ...anywhere,
  },
  { country: 'Brazil', name: 'CPF, digits alone', forms: [/\d{11}/y], isValid: checks.holdsCpf, ...announced('cpf') },
  {
    country: 'South Africa',
    name: 'identity number',
    forms: [/\d{6} \d{4} \d{3}/y, /\d{13}/y],
    isValid: (digits) => startsWithDate(digits) && /^[012]$/.test(digits[10] ?? '') && checks.holdsLuhn(digits),
    ...announced('id', 'rsa id', 'sa id', 'id nommer'),
  },
  {
    country: 'Spain',
    name: 'DNI',
    forms: [/\d{8}[ -]?[A-HJ-NP-TV-Za-hj-np-tv-z]/y, /\d{2}\.\d{3}\.\d{3}[ -]?[A-HJ-NP-TV-Za-hj-np-tv-z]/y],
    isValid: checks.holdsDni,
    ...announced('dni', 'nif'),
  },
  {
    country: 'Spain',
    name: 'NIE',
    forms: [/[XYZxyz][ -]?\d{7}[ -]?[A-HJ-NP-TV-Za-hj-np-tv-z]/y],
    isValid: checks.holdsDni,
    ...anywhere,
  },
  {
    country: 'Germany',
    name: 'Steuer-ID',
    forms: [/[1-9]\d ?\d{3} ?\d{3} ?\d{3}/y],
    isValid: checks.holdsSteuerId,
    ...announced('steuer-?id(?:nr)?', 'steueridentifikationsnummer', 'idnr', 'steuer-identifikationsnummer'),
  },
  {
    country: 'Germany',
    name: 'KVNR',
    forms: [/[A-Za-z]\d{9}/y],
    isValid: checks.holdsKvnr,
    ...announced('kvnr', 'versicherten(?:nummer|-?nr|-?id)', 'krankenversicherten(?:nummer|-?nr)', 'egk'),
  },
  { country: 'Poland', name: 'PESEL', forms: [/\d{11}/y], isValid: isPesel, ...announced('pesel') },
  {
    country: 'Sweden',
    name: 'personnummer',
    forms: [/(?:19|20)\d{6}[-+]?\d{4}/y, /\d{6}[-+]\d{4}/y, /\d{10}/y],
    isValid: (digits) => startsWithDate(withoutCentury(digits)) && checks.holdsLuhn(withoutCentury(digits)),
    ...announced('personnummer', 'pers ?nr', 'personal identity number'),
  },
  {
    country: 'Portugal',
    name: 'NIF',
    forms: [/[1-35689]\d{2}([ .])\d{3}\1\d{3}/y, /[1-35689]\d{8}/y],
    isValid: checks.holdsNif,
    ...announced('nif', 'contribuinte'),
  },
  {
    country: 'Belgium',
    name: 'national number, with its punctuation',
    forms: [/\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}/y],
    isValid: checks.holdsBelgian,
    ...anywhere,
  },
  {
    country: 'Finland',
    name: 'identity code',
    forms: [/\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Ya-fhj-npr-y]/y],
    isValid: (compact) =>
      isBornOn(compact.slice(4, 6), Number(compact.slice(2, 4)), Number(compact.slice(0, 2))) && holdsHetu(compact),
    ...announced('hetu', 'henkilotunnus', 'personbeteckning'),
  },
  {
    country: 'Italy',
    name: 'codice fiscale',
    forms: [/[A-Za-z]{6}\d{2}[A-EHLMPR-Ta-ehlmpr-t]\d{2}[A-Za-z]\d{3}[A-Za-z]/y],
    isValid: checks.holdsCodiceFiscale,
    ...anywhere,
  },
];
