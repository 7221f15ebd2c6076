import { clinicalEnglish } from './clinical/english.ts';
import { clinicalFrench } from './clinical/french.ts';
import { clinicalGerman } from './clinical/german.ts';
import { clinicalPortuguese } from './clinical/portuguese.ts';
import { clinicalSpanish } from './clinical/spanish.ts';
import { clinicalSwahili } from './clinical/swahili.ts';

/** What no rule that is shipped may change: sentences by language, written before the recognisers were. */
export const CLINICAL_CORPUS: Readonly<Record<string, readonly string[]>> = {
  en: clinicalEnglish,
  fr: clinicalFrench,
  es: clinicalSpanish,
  de: clinicalGerman,
  pt: clinicalPortuguese,
  sw: clinicalSwahili,
};
