import type { IdentifierKind } from '@openward/contracts';
import type { Finder, SiteTerms } from '../model.ts';
import { birthDateFinder } from './birth-date.ts';
import { cardNumberFinder } from './card-number.ts';
import { emailFinder } from './email.ts';
import { nationalIdFinder } from './national-id.ts';
import { phoneFinder } from './phone.ts';
import { recordNumberFinder } from './record-number.ts';

/**
 * Finds identifiers of a kind. A tripwire and no proof: `docs/policy.md` has what each finds and misses. Every one reads a text in
 * time linear in its length, and has a longest match. Only a site's own pattern of record numbers can be refused.
 */
export const finderOf = (kind: IdentifierKind, terms: SiteTerms): Finder | { readonly refused: string } => {
  switch (kind) {
    case 'email':
      return emailFinder;
    case 'phone':
      return phoneFinder;
    case 'cardNumber':
      return cardNumberFinder;
    case 'dateOfBirth':
      return birthDateFinder;
    case 'nationalId':
      return nationalIdFinder;
    case 'recordNumber':
      return recordNumberFinder(terms.recordNumber);
  }
};
