import { canonicalJson, type PolicyRule, type PromptPolicy } from '@openward/contracts';

/** The class of change of a release that has another policy and nothing else. */
export type PolicyChange = 'policyText' | 'policyRule';

/**
 * What the difference between two policies amounts to. `policyText`: only what the model and readers of the policy are told differs,
 * which is the system prompt, descriptions, tests, and texts that no rule and no disclaimer gives to a clinic. `policyRule`:
 * anything else, an emergency's text and the value of a variable too. Null: nothing but the revision.
 */
export function policyChangeOf(from: PromptPolicy, to: PromptPolicy): PolicyChange | null {
  if (canonicalJson(withoutTexts(from)) !== canonicalJson(withoutTexts(to))) return 'policyRule';
  return canonicalJson({ ...from, revision: 0 }) === canonicalJson({ ...to, revision: 0 }) ? null : 'policyText';
}

// By leaving out what is text, so that a field that is new to the policy counts as a rule until somebody decides otherwise.
function withoutTexts(policy: PromptPolicy): object {
  const { revision: _r, description: _d, systemPrompt: _s, texts, tests: _e, ...rest } = policy;
  const given = new Set([
    ...policy.rules.flatMap(({ action }) => ('text' in action ? [action.text] : [])),
    policy.disclaimer,
  ]);
  return {
    ...rest,
    // A clinic reads it in place of a reply, or before one, and no gate grades it: it may be turned round in a few words.
    texts: Object.fromEntries(Object.entries(texts).filter(([code]) => given.has(code))),
    rules: policy.rules.map(({ description: _of, ...rule }) => rule satisfies Omit<PolicyRule, 'description'>),
    variables: policy.variables.map(({ description: _of, ...variable }) => variable),
  };
}
