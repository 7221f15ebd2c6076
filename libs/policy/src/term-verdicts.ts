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
 * `again`: its verdict with these words tells nothing new. `judge`: it may be, once `kept` has been
 * kept. `withheld`: it may not be before `until`, whatever the verdict would be.
 */
export type TermLeave =
  | { readonly kind: 'again' }
  | { readonly kind: 'judge'; readonly kept: readonly TermVerdict[] }
  | { readonly kind: 'withheld'; readonly until: number };

/**
 * Asked before a policy that `readsTerms` is judged with them. `serving`: digests of the policies that serve here. That such a one
 * runs with the words of now is known already, since a site's words are never changed to some that it would not run with: a release that
 * corrects the model alone goes on its way however many policies came since. A row dated after now counts: a clock set back gives
 * no new budget.
 */
export function decideTermLeave(
  past: readonly TermVerdict[],
  asked: TermVerdict,
  serving: ReadonlySet<string>,
): TermLeave {
  if (serving.has(asked.policy)) return { kind: 'again' };
  const recent = past.filter(({ at }) => at > asked.at - THIRTY_DAYS).toSorted((one, other) => one.at - other.at);
  if (recent.some(({ policy, terms }) => policy === asked.policy && terms === asked.terms)) return { kind: 'again' };
  const first = recent.at(-TERM_VERDICTS_IN_30_DAYS);
  return first === undefined
    ? { kind: 'judge', kept: [...recent, asked] }
    : { kind: 'withheld', until: first.at + THIRTY_DAYS };
}
