import type { PromptPolicy } from '@openward/contracts';
import type { SiteTerms } from './model.ts';

// A policy is refused at a site, or is not, and the network is told which. Where that hangs on the site's own words (its form of
// record numbers, its values of variables), each release could ask one question about them: its author writes the test, and the
// answer leaves. So, as with a verdict on own records (E6), no more than so many of them leave in 30 days.

/** A policy that was judged with a site's own words. Both are digests; a row stays on the node. */
export interface TermVerdict {
  readonly policy: string;
  readonly terms: string;
  /** Wall time in milliseconds. */
  readonly at: number;
}

export const TERM_VERDICTS_IN_30_DAYS = 12;
const THIRTY_DAYS = 30 * 24 * 60 * 60 * 1000;

/** Whether what becomes of a policy at a site could hang on what the site has set. */
export const readsTerms = ({ rules, variables }: PromptPolicy, terms: SiteTerms): boolean =>
  (terms.recordNumber !== null &&
    rules.some(({ match }) => match.kind === 'identifier' && match.identifier === 'recordNumber')) ||
  variables.some(({ name, setBySite }) => setBySite && Object.hasOwn(terms.variables, name));

/**
 * `again`: it was judged with these words before, and the same verdict tells nothing new. `judge`: it may be, once `kept` has been
 * kept. `withheld`: it may not be before `until`, whatever the verdict would be.
 */
export type TermLeave =
  | { readonly kind: 'again' }
  | { readonly kind: 'judge'; readonly kept: readonly TermVerdict[] }
  | { readonly kind: 'withheld'; readonly until: number };

/** Asked before a policy that `readsTerms` is judged with them. A row dated after now counts: a clock set back gives no new budget. */
export function decideTermLeave(past: readonly TermVerdict[], asked: TermVerdict): TermLeave {
  const recent = past.filter(({ at }) => at > asked.at - THIRTY_DAYS).toSorted((one, other) => one.at - other.at);
  if (recent.some(({ policy, terms }) => policy === asked.policy && terms === asked.terms)) return { kind: 'again' };
  const first = recent.at(-TERM_VERDICTS_IN_30_DAYS);
  return first === undefined
    ? { kind: 'judge', kept: [...recent, asked] }
    : { kind: 'withheld', until: first.at + THIRTY_DAYS };
}
