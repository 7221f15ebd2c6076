import { IdentifierKind } from '@openward/contracts';
import { fold } from '../fold.ts';
import { NO_SITE_TERMS, type Finder, type SiteTerms } from '../model.ts';
import { finderOf } from './index.ts';

export const TODAY = '2026-03-01';

export const finder = (kind: IdentifierKind, terms: SiteTerms = NO_SITE_TERMS): Finder => {
  const found = finderOf(kind, terms);
  if ('refused' in found) throw new Error(found.refused);
  return found;
};

/** What is found, as it stands in the text, with what stands instead. */
export const foundIn = (
  kind: IdentifierKind,
  text: string,
  language = 'en',
  terms: SiteTerms = NO_SITE_TERMS,
): string[] =>
  finder(kind, terms)
    .find(fold(text, { today: TODAY, language }))
    .map(({ start, end, instead }) => text.slice(start, end) + (instead === undefined ? '' : ` → ${instead}`));

export const WITHOUT_TERMS = IdentifierKind.options.filter((kind) => kind !== 'recordNumber');
