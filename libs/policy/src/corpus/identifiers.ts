import { chanceOf } from './chance.ts';
import { NATIONAL_SOURCES } from './national-sources.ts';
import { OTHER_SOURCES } from './other-sources.ts';
import type { Source, Specimen } from './specimen.ts';

/**
 * How an identifier stands in its text. `valid`: as it is written, with the word that announces it where it has one; `veiled`: the
 * same with marks of no width and wide digits; `bare`: without the word; `broken`: with a wrong check digit, or what is none.
 */
export type Guise = 'valid' | 'veiled' | 'bare' | 'broken';

export interface Sample {
  readonly source: Source;
  readonly guise: Guise;
  readonly text: string;
  /** Where in the text the identifier, or what is none, stands. */
  readonly start: number;
  readonly end: number;
  readonly specimen: Specimen;
}

export const SOURCES: readonly Source[] = [...OTHER_SOURCES, ...NATIONAL_SOURCES];

const FRAMES: readonly (readonly [before: string, after: string])[] = [
  ['', ''],
  ['', ', sore throat for 3 days, T 38.2 °C.'],
  ['Seen on 12/05/2024. ', ' and on amoxicillin 500 mg x 3.'],
  ['Patiente suivie depuis 2 ans (', ').'],
  ['BP 120/80, Hb 9.8 g/dL; ', '; review in 2/52'],
  ['Erstkontakt 14:30 Uhr. ', '\nKontrolle in 6 Wochen.'],
];

/** Every digit wide, and a mark of no width after each third character. */
const veil = (text: string): string =>
  text.replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))).replace(/.{3}(?=.)/gu, '$&\u200B');

/** So many of each source and guise, the same for a seed. */
export function* drawSamples(seed: number, each: number): Generator<Sample> {
  for (const [index, source] of SOURCES.entries()) {
    const guises: readonly Guise[] =
      source.words.length > 0 ? ['valid', 'veiled', 'bare', 'broken'] : ['valid', 'veiled', 'broken'];
    const chance = chanceOf(seed * 1_000 + index);
    for (const guise of guises)
      for (let count = 0; count < each; count += 1) {
        const specimen = source.draw(chance);
        const word = source.words.length > 0 && guise !== 'bare' ? `${chance.of(source.words)} ` : '';
        const [before, after] = chance.of(FRAMES);
        const shown =
          guise === 'broken' ? specimen.broken : guise === 'veiled' ? veil(specimen.printed) : specimen.printed;
        const start = before.length + word.length;
        yield { source, guise, text: before + word + shown + after, start, end: start + shown.length, specimen };
      }
  }
}
