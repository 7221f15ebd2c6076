import { Unrecoverable } from '@openward/activation';
import { plainPolicy, PROTOCOL, type PromptPolicy, type Release } from '@openward/contracts';
import { compilePolicy, type PolicyFinding, type SiteTerms } from '@openward/policy';
import type { JudgePolicy } from './judge-policy.ts';

/** Why this node does not run a policy, for the people of its site. The network is told the code alone. */
export interface RefusedPolicy {
  readonly code: 'policyInvalid' | 'policyTestFailed';
  readonly findings: readonly PolicyFinding[];
}

const refused = (findings: readonly PolicyFinding[]): RefusedPolicy => ({
  code: findings.every(({ code }) => code === 'testFailed') ? 'policyTestFailed' : 'policyInvalid',
  findings,
});

/** Everything that a push refuses, once more here, and what this site's own terms would make of it. */
export async function refusedBy(
  judge: JudgePolicy,
  policy: PromptPolicy,
  terms: SiteTerms,
): Promise<RefusedPolicy | null> {
  const findings = await judge(policy, terms);
  return findings.length === 0 ? null : refused(findings);
}

/** The same for a release, whose model the policy must be for. */
async function refusedOf(
  judge: JudgePolicy,
  { policy, model: { name, version } }: Release,
  terms: SiteTerms,
): Promise<RefusedPolicy | null> {
  const { id, models } = policy;
  if (models.length === 0 || models.some((one) => one.name === name && (one.versions?.includes(version) ?? true)))
    return refusedBy(judge, policy, terms);
  const message = `The policy ${id} is not for ${name} ${version}.`;
  return { code: 'policyInvalid', findings: [{ code: 'shape', where: 'models', message }] };
}

/** Whether a policy that looks for everything that a site may name could be made ready with these terms. */
export function refusedTerms(terms: SiteTerms): RefusedPolicy | null {
  const made = compilePolicy(
    {
      ...plainPolicy(''),
      variables: Object.keys(terms.variables).map((name) => ({
        name,
        description: name,
        default: '',
        setBySite: true,
      })),
      rules: [
        {
          id: 'record-number',
          description: 'The record numbers of this site.',
          stage: 'input',
          match: { kind: 'identifier', identifier: 'recordNumber' },
          action: { does: 'annotate' },
          mode: 'enforce',
          timeLimitMs: 100,
        },
      ],
    },
    terms,
  );
  return made.kind === 'ok' ? null : refused(made.findings);
}

/**
 * Throws `Unrecoverable`, with the code that the network is told and the text for this node's own log. `note` takes what is shown
 * to the people of the site.
 */
export async function assertRuns(
  judge: JudgePolicy,
  release: Release,
  terms: SiteTerms,
  note: (refused: RefusedPolicy) => void,
): Promise<void> {
  const { id, revision, minProtocol } = release.policy;
  if (minProtocol > PROTOCOL)
    throw new Unrecoverable('agentTooOld', `the policy ${id}@${revision} needs an agent of protocol ${minProtocol}`);
  const why = await refusedOf(judge, release, terms);
  if (why === null) return;
  note(why);
  const found = why.findings.map(({ where, message }) => `${where}: ${message}`).join('; ');
  throw new Unrecoverable(why.code, `the policy ${id}@${revision} is refused here: ${found}`);
}
