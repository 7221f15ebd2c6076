import { expiryOf, isReached, type PromptPolicy } from '@openward/contracts';

/** When a policy may be activated, by its own words. */
export type PolicyTimes = Pick<PromptPolicy, 'id' | 'revision' | 'notBefore' | 'expires'>;

/** Whether it may be now. Judged for the plan, and again for each permit, by the database's clock (T1): a node's may be off. */
export type PolicyTime =
  | { readonly kind: 'blocks'; readonly why: 'policyNotYet' | 'policyExpired'; readonly detail: string }
  | { readonly kind: 'warns'; readonly detail: string }
  | { readonly kind: 'goes' };

export function judgePolicyTime(policy: PolicyTimes, now: number): PolicyTime {
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
