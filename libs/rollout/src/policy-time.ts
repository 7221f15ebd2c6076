import { expiryOf, isReached, type PromptPolicy } from '@openward/contracts';

/** Whether a policy may be activated at this time, by its own words. A node judges the same again, by its own clock. */
export type PolicyTime =
  | { readonly kind: 'blocks'; readonly why: 'policyNotYet' | 'policyExpired'; readonly detail: string }
  | { readonly kind: 'warns'; readonly detail: string }
  | { readonly kind: 'goes' };

export function judgePolicyTime(policy: PromptPolicy, now: number): PolicyTime {
  const { id, revision, notBefore, expires } = policy;
  const name = `the policy ${id}@${revision}`;
  const { state } = expiryOf(policy, now);
  if (state === 'expired') {
    return { kind: 'blocks', why: 'policyExpired', detail: `${name} expired at ${expires}` };
  }
  if (notBefore !== null && !isReached(notBefore, now)) {
    return { kind: 'blocks', why: 'policyNotYet', detail: `${name} is not for use before ${notBefore}` };
  }
  return state === 'soon' ? { kind: 'warns', detail: `${name} expires at ${expires}` } : { kind: 'goes' };
}
