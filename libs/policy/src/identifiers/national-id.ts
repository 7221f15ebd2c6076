import type { Finder } from '../model.ts';
import { NATIONAL_FORMATS } from './national-formats.ts';
import { numberFinder } from './number-finder.ts';

/** National identifiers of the table, in its order. */
export const nationalIdFinder: Finder = numberFinder(NATIONAL_FORMATS, { fewest: 7, between: '[A-Za-z]?[ .+-]?' });
