import { holdsLuhn } from '../identifiers/checksums.ts';
import { isCalendarDate } from '../identifiers/calendar.ts';
import type { Chance } from './chance.ts';
import { checked, grouped, padded, type Source } from './specimen.ts';

const NAMES = ['amina', 'j.otieno', 'maria_silva', 'li+clinic', 'o.neill', 'k-mueller', 'patient1984', 'nurse.night'];
const HOSTS = [
  'example.org',
  'mail.example.com',
  'kliniken.example.de',
  'saude.example.pt',
  'example.co.ke',
  'a-b.example.fr',
];

const email: Source = {
  kind: 'email',
  name: 'e-mail address',
  words: [],
  draw: (chance) => {
    const [name, host] = [chance.of(NAMES) + chance.digits(chance.below(3)), chance.of(HOSTS)];
    return {
      printed: `${name}@${host}`,
      broken: chance.of([`${name}@${host.split('.')[0]}`, `@${host}`, `${name} at ${host}`]),
    };
  },
};

/** Of a country: its code, how long numbers are behind it, and with which digits they begin. */
const COUNTRIES: readonly (readonly [code: string, starts: readonly string[], rest: number])[] = [
  ['44', ['20', '7911', '161'], 8],
  ['33', ['6', '1'], 8],
  ['49', ['30', '151'], 8],
  ['34', ['6', '91'], 8],
  ['351', ['91', '21'], 7],
  ['254', ['7', '11'], 8],
  ['255', ['7'], 8],
  ['55', ['119'], 8],
  ['27', ['82', '11'], 7],
  ['91', ['98'], 8],
  ['1', ['202555', '416555'], 4],
];

const pairs = (digits: string, separator: string): string =>
  (digits.match(/\d{2,3}(?!\d$)|\d+/g) ?? []).join(separator);

const international: Source = {
  kind: 'phone',
  name: 'telephone number with `+`',
  words: [],
  draw: (chance) => {
    const [code, starts, rest] = chance.of(COUNTRIES);
    const number = chance.of(starts) + chance.digits(rest);
    const print = chance.of<(it: string) => string>([
      (it) => it,
      (it) => ` ${it}`,
      (it) => ` ${pairs(it, ' ')}`,
      (it) => `-${pairs(it, '-')}`,
    ]);
    return {
      printed: `+${code}${print(number)}`,
      broken: `+${chance.of(['0', '999', '210'])}${print(number.slice(0, 4))}`,
    };
  },
};

const NATIONAL_WORDS = [
  'Tel.',
  'phone',
  'mobile:',
  'call',
  'Tél. :',
  'téléphone',
  'appeler le',
  'teléfono',
  'móvil:',
  'llamar al',
  'Telefon',
  'Handynummer:',
  'telefone',
  'telemóvel:',
  'simu',
  'piga',
];

const national: Source = {
  kind: 'phone',
  name: 'telephone number without `+`',
  words: NATIONAL_WORDS,
  draw: (chance) => {
    const number = `0${chance.of(['20', '7', '6', '151', '712'])}${chance.digits(7 + chance.below(2))}`;
    const print = chance.of<(it: string) => string>([
      (it) => it,
      (it) => pairs(it, ' '),
      (it) => pairs(it, '-'),
      (it) => `(${it.slice(0, 3)}) ${it.slice(3)}`,
    ]);
    return { printed: print(number), broken: chance.of(['112', '999', '116117', number.slice(0, 5)]) };
  },
};

const CARDS: readonly (readonly [prefixes: readonly string[], length: number, groups: readonly number[]])[] = [
  [['4'], 16, [4, 4, 4, 4]],
  [['51', '55', '2221', '2720'], 16, [4, 4, 4, 4]],
  [['34', '37'], 15, [4, 6, 5]],
  [['6011', '65', '644'], 16, [4, 4, 4, 4]],
  [['3528', '3589'], 16, [4, 4, 4, 4]],
  [['300', '36', '38'], 14, [4, 6, 4]],
  [['62'], 19, [4, 4, 4, 4, 3]],
];

const card: Source = {
  kind: 'cardNumber',
  name: 'payment card',
  words: [],
  draw: (chance) => {
    const [prefixes, length, groups] = chance.of(CARDS);
    const prefix = chance.of(prefixes);
    const { valid, broken } = checked(() => prefix + chance.digits(length - prefix.length - 1), holdsLuhn);
    const print = chance.of<(it: string) => string>([
      (it) => it,
      (it) => grouped(it, groups, ' '),
      (it) => grouped(it, groups, '-'),
    ]);
    return { printed: print(valid), broken: print(broken) };
  },
};

const BIRTH_WORDS = [
  'DOB',
  'DOB:',
  'D.O.B.',
  'date of birth',
  'born',
  'born on',
  'né le',
  'née le',
  'date de naissance :',
  'fecha de nacimiento:',
  'nacido el',
  'geb.',
  'geboren am',
  'Geburtsdatum:',
  'data de nascimento:',
  'nascida em',
  'alizaliwa tarehe',
  'tarehe ya kuzaliwa:',
  'birthday',
  'patient was born in Leeds on',
  'né à Lyon le',
];

const MONTHS = [
  'January',
  'février',
  'marzo',
  'April',
  'mai',
  'junio',
  'Juli',
  'août',
  'setembro',
  'Oktoba',
  'November',
  'décembre',
];

const drawDay = (chance: Chance) => ({
  year: 1935 + chance.below(90),
  month: chance.below(12) + 1,
  day: chance.below(28) + 1,
});

const birthDate: Source = {
  kind: 'dateOfBirth',
  name: 'date of birth',
  words: BIRTH_WORDS,
  draw: (chance) => {
    const day = drawDay(chance);
    const print = chance.of<(it: typeof day) => string>([
      (it) => `${padded(it.day)}/${padded(it.month)}/${it.year}`,
      (it) => `${it.day}.${it.month}.${it.year}`,
      (it) => `${it.year}-${padded(it.month)}-${padded(it.day)}`,
      (it) => `${padded(it.day)}-${padded(it.month)}-${it.year}`,
      (it) => `${it.day} ${MONTHS[it.month - 1] ?? ''} ${it.year}`,
    ]);
    // A day that no calendar has, or one that lies ahead.
    const none = chance.of([
      { ...day, month: 2, day: 30 },
      { ...day, month: 4, day: 31 },
      { ...day, year: 2031 },
    ]);
    if (none.year !== 2031 && isCalendarDate(none.year, none.month, none.day)) throw new Error('that day exists');
    return { printed: print(day), broken: print(none), day };
  },
};

export const OTHER_SOURCES: readonly Source[] = [email, international, national, card, birthDate];
