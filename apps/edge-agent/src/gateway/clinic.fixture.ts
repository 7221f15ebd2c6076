import type { PolicyRule, PromptPolicy } from '@openward/contracts';
import { onTestFinished } from 'vitest';
import { policyWith, ruleWith, serveUnder, type PolicyWorld } from './policy.fixture.ts';

// The policy of a clinic, put together from single rules that look for an address; and its gateway for one test.

export async function serve(policy: PromptPolicy, before: PromptPolicy | null = null): Promise<PolicyWorld> {
  const world = await serveUnder(policy, before);
  onTestFinished(() => world.close());
  return world;
}

export const TEXTS = {
  refusal: { en: 'That is not for this service.', fr: 'Ce n’est pas pour ce service.' },
  emergency: { en: 'Call {{number}} now.', fr: 'Appelez le {{number}}.' },
  disclaimer: { en: 'No advice.', fr: 'Sans conseil.' },
};
export const NUMBER = { name: 'number', description: 'd', default: '112', setBySite: true };
export const EMAIL = { kind: 'regex', pattern: '[a-z]{1,20}@[a-z]{1,20}\\.org', ignoreCase: true } as const;
export const block = { does: 'block', text: 'refusal' } as const;
export const redact = { does: 'redact', marker: '[mail]' } as const;
export const replace = { does: 'replace', replacement: 'NN' } as const;
export const annotate = { does: 'annotate' } as const;
export const escalate = { does: 'escalate', text: 'emergency' } as const;
export const input = (action: PolicyRule['action'], match: PolicyRule['match'] = EMAIL, id = 'in'): PolicyRule =>
  ruleWith({ id, stage: 'input', match, action });
export const output = (action: PolicyRule['action'], match: PolicyRule['match'] = EMAIL, id = 'out'): PolicyRule =>
  ruleWith({ id, stage: 'output', match, action });
export const clinic = (rules: PolicyRule[], more: Partial<PromptPolicy> = {}): PromptPolicy =>
  policyWith({ rules, texts: TEXTS, variables: [NUMBER], ...more });
