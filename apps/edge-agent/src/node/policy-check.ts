import { Unrecoverable } from '@openward/activation';
import { plainPolicy, PROTOCOL, type PromptPolicy, type Release } from '@openward/contracts';
import { compilePolicy, misfitsOf, type PolicyFinding, type SiteTerms } from '@openward/policy';
import type { JudgePolicy } from '@openward/policy-check';

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
  const judgement = await judge(policy, terms);
  return judgement.kind === 'ok' ? null : refused(judgement.findings);
}

/** Why this node would not run the policy of a release. */
export interface RefusedRelease {
  readonly code: RefusedPolicy['code'] | 'agentTooOld';
  readonly findings: readonly PolicyFinding[];
}

/** The same for a release, which the policy must be for: before it is loaded, and when a person reads its offer. */
export async function refusedOf(
  judge: JudgePolicy,
  release: Release,
  terms: SiteTerms,
): Promise<RefusedRelease | null> {
  const { policy } = release;
  if (policy.minProtocol > PROTOCOL) {
    const message = `It needs an agent of protocol ${policy.minProtocol}, and this one has ${PROTOCOL}.`;
    return { code: 'agentTooOld', findings: [{ code: 'shape', where: 'minProtocol', message }] };
  }
  const misfits = misfitsOf(release);
  return misfits.length > 0 ? { code: 'policyInvalid', findings: misfits } : refusedBy(judge, policy, terms);
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
  const why = await refusedOf(judge, release, terms);
  if (why === null) return;
  const { code, findings } = why;
  if (code !== 'agentTooOld') note({ code, findings });
  const { id, revision } = release.policy;
  const found = findings.map(({ where, message }) => `${where}: ${message}`).join('; ');
  throw new Unrecoverable(code, `the policy ${id}@${revision} is refused here: ${found}`);
}
