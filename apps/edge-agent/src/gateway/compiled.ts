import type { PromptPolicy } from '@openward/contracts';
import { renderTemplate, variableValues, type CompiledPolicy, type SiteTerms } from '@openward/policy';

/** A policy made ready with a site's own terms. It was checked when its release was staged, so that a refusal here is a fault. */
export function compiledPolicy(policy: PromptPolicy, terms: SiteTerms): CompiledPolicy {
  if (policy.rules.length > 0 || policy.disclaimer !== null) throw new Error('this agent applies no rules yet');
  const never = (): never => {
    throw new Error('a policy without rules judges nothing');
  };
  return {
    policy,
    systemPrompt: renderTemplate(policy.systemPrompt, variableValues(policy, terms.variables)),
    stream: { kind: 'pass' },
    applyInput: never,
    openReply: never,
    applyReply: never,
  };
}
