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

/** What is found, as it stands in the text, with what stands instead. Throws where its sign says that nothing is. */
export const foundIn = (
  kind: IdentifierKind,
  text: string,
  language = 'en',
  terms: SiteTerms = NO_SITE_TERMS,
): string[] => {
  const found = finder(kind, terms);
  const { sign } = found;
  const folded = fold(text, { today: TODAY, language });
  const spans = found.find(folded);
  if (spans.length > 0 && sign?.kind === 'look' && !sign.couldHold(folded))
    throw new Error(`a ${kind} is found, and its sign is not there: ${JSON.stringify(text)}`);
  return spans.map(
    ({ start, end, instead }) => text.slice(start, end) + (instead === undefined ? '' : ` → ${instead}`),
  );
};

export const WITHOUT_TERMS = IdentifierKind.options.filter((kind) => kind !== 'recordNumber');
