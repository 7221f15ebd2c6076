import { createHash } from 'node:crypto';
import type { PromptPolicy } from '@openward/contracts';
import { compilePolicy, type CompiledPolicy, type SiteTerms, warmUp } from '@openward/policy';

/**
 * What serves, what is staged, and what stands in shadow. Each may hold some 50 MB, and what serves is held by the gateway besides: so
 * many services have theirs, while here is only what one switch asks for in turn.
 */
const MOST_KEPT = 3;

/** What the gateway may stand still for, so that the first request after a switch does not. */
const WARM_MS = 40;

// The last that were asked for, the latest last. A policy made ready has no state that could be seen, so all may share one: what an
// evaluation has made ready costs the switch nothing.
const kept = new Map<string, CompiledPolicy>();

/** A policy made ready with a site's own terms. It was checked when its release was staged, so that a refusal here is a fault. */
export function compiledPolicy(policy: PromptPolicy, terms: SiteTerms): CompiledPolicy {
  const key = createHash('sha256')
    .update(JSON.stringify([policy, terms]))
    .digest('base64');
  const compiled = kept.get(key) ?? madeReady(policy, terms);
  kept.delete(key);
  kept.set(key, compiled);
  for (const oldest of kept.keys()) if (kept.size > MOST_KEPT) kept.delete(oldest);
  return compiled;
}

function madeReady(policy: PromptPolicy, terms: SiteTerms): CompiledPolicy {
  const compiling = compilePolicy(policy, terms);
  if (compiling.kind === 'ok') {
    warmUp(compiling.compiled, () => performance.now(), WARM_MS);
    return compiling.compiled;
  }
  const [first] = compiling.findings;
  throw new Error(`the policy ${policy.id}@${policy.revision} is refused: ${first?.code} at ${first?.where}`);
}
