import { daysBetween, monthsBetween, type Day } from './calendar.ts';

type Unit = 'weeks' | 'months' | 'years';

/** `one` for exactly one; `over` for who is so old that the age alone would single out. `#` is the number. */
interface Words extends Readonly<Record<Unit, readonly [one: string, more: string]>> {
  readonly over: string;
  readonly or: string;
}

const WORDS: Readonly<Record<string, Words>> = {
  en: {
    weeks: ['# week', '# weeks'],
    months: ['# month', '# months'],
    years: ['# year', '# years'],
    over: 'over # years',
    or: 'or',
  },
  fr: {
    weeks: ['# semaine', '# semaines'],
    months: ['# mois', '# mois'],
    years: ['# an', '# ans'],
    over: 'plus de # ans',
    or: 'ou',
  },
  es: {
    weeks: ['# semana', '# semanas'],
    months: ['# mes', '# meses'],
    years: ['# año', '# años'],
    over: 'más de # años',
    or: 'o',
  },
  de: {
    weeks: ['# Woche', '# Wochen'],
    months: ['# Monat', '# Monate'],
    years: ['# Jahr', '# Jahre'],
    over: 'über # Jahre',
    or: 'oder',
  },
  pt: {
    weeks: ['# semana', '# semanas'],
    months: ['# mês', '# meses'],
    years: ['# ano', '# anos'],
    over: 'mais de # anos',
    or: 'ou',
  },
  sw: {
    weeks: ['wiki #', 'wiki #'],
    months: ['mwezi #', 'miezi #'],
    years: ['mwaka #', 'miaka #'],
    over: 'zaidi ya miaka #',
    or: 'au',
  },
};

const OLDEST = 89;

const wordsOf = (language: string): Words => {
  const words = WORDS[language.split('-')[0] ?? ''] ?? WORDS['en'];
  if (words === undefined) throw new Error('no words for an age');
  return words;
};

/**
 * The age of who was born on a day: in years; under two years in months; under two months in weeks, because a dose depends on it.
 * Over 89 no more than that. English where the language has no words here. Null: born after `today`, or longer ago than anybody.
 */
export const ageInWords = (born: Day, today: Day, language: string): string | null => {
  const months = monthsBetween(born, today);
  if (daysBetween(born, today) < 0 || months >= 130 * 12) return null;
  const words = wordsOf(language);
  const years = Math.floor(months / 12);
  if (years > OLDEST) return words.over.replace('#', String(OLDEST));
  const [count, unit]: [number, Unit] =
    months < 2
      ? [Math.floor(daysBetween(born, today) / 7), 'weeks']
      : months < 24
        ? [months, 'months']
        : [years, 'years'];
  return words[unit][count === 1 ? 0 : 1].replace('#', String(count));
};

/** Of a date that may be read in two ways: both ages, the younger first, where they differ. */
export const agesInWords = (readings: readonly Day[], today: Day, language: string): string | null => {
  const ages = [...readings]
    .toSorted((one, other) => daysBetween(one, other))
    .map((born) => ageInWords(born, today, language))
    .filter((age) => age !== null);
  const different = [...new Set(ages)];
  return different.length === 0 ? null : different.join(` ${wordsOf(language).or} `);
};
