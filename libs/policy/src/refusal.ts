import { Refusal } from '@openward/contracts';
import type { PolicyFinding } from './model.ts';

/** `policyTestFailed` where nothing but its own tests stands against a policy. */
export const policyRefusalCode = (findings: readonly PolicyFinding[]): 'policyInvalid' | 'policyTestFailed' =>
  findings.length > 0 && findings.every(({ code }) => code === 'testFailed') ? 'policyTestFailed' : 'policyInvalid';

/** The first finding is in the words, all in the details. */
export function policyRefusal(findings: readonly PolicyFinding[]): Refusal {
  const [first, ...others] = findings;
  const where = first === undefined || first.where === '' ? '' : `${first.where}: `;
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  const why = first === undefined ? 'The policy is refused.' : `${where}${first.message}${more}`;
  return new Refusal(policyRefusalCode(findings), why, { details: findings });
}
