import type { PromptPolicy } from '@openward/contracts';
import { compilePolicy, type CompiledPolicy, type SiteTerms } from '@openward/policy';

/** A policy made ready with a site's own terms. It was checked when its release was staged, so that a refusal here is a fault. */
export function compiledPolicy(policy: PromptPolicy, terms: SiteTerms): CompiledPolicy {
  const compiling = compilePolicy(policy, terms);
  if (compiling.kind === 'ok') return compiling.compiled;
  const [first] = compiling.findings;
  throw new Error(`the policy ${policy.id}@${policy.revision} is refused: ${first?.code} at ${first?.where}`);
}
