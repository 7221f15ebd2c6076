import { Refusal } from '@openward/contracts';
import type { PolicyFinding } from './model.ts';

/** `policyTestFailed` where nothing but its own tests stands against a policy. The first finding is in the words, all in the details. */
export function policyRefusal(findings: readonly PolicyFinding[]): Refusal {
  const isOfTests = findings.length > 0 && findings.every(({ code }) => code === 'testFailed');
  const [first, ...others] = findings;
  const where = first === undefined || first.where === '' ? '' : `${first.where}: `;
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  const why = first === undefined ? 'The policy is refused.' : `${where}${first.message}${more}`;
  return new Refusal(isOfTests ? 'policyTestFailed' : 'policyInvalid', why, { details: findings });
}
