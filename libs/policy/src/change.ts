import { canonicalJson, type PolicyRule, type PromptPolicy } from '@openward/contracts';

/** The class of change of a release that has another policy and nothing else. */
export type PolicyChange = 'policyText' | 'policyRule';

/**
 * What the difference between two policies amounts to. `policyText`: only what people and models read differs, which is the system
 * prompt, texts, descriptions and tests. `policyRule`: anything else, the value of a variable too. Null: nothing but the revision.
 */
export function changeOf(from: PromptPolicy, to: PromptPolicy): PolicyChange | null {
  if (canonicalJson(withoutTexts(from)) !== canonicalJson(withoutTexts(to))) return 'policyRule';
  return canonicalJson({ ...from, revision: 0 }) === canonicalJson({ ...to, revision: 0 }) ? null : 'policyText';
}

// By leaving out what is text, so that a field that is new to the policy counts as a rule until somebody decides otherwise.
function withoutTexts(policy: PromptPolicy): object {
  const { revision: _r, description: _d, systemPrompt: _s, texts: _t, tests: _e, ...rest } = policy;
  return {
    ...rest,
    rules: policy.rules.map(({ description: _of, ...rule }) => rule satisfies Omit<PolicyRule, 'description'>),
    variables: policy.variables.map(({ description: _of, ...variable }) => variable),
  };
}
