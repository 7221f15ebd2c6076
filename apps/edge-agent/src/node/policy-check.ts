import { Unrecoverable } from '@openward/activation';
import { instantOf, plainPolicy, PROTOCOL, type PromptPolicy, type Release } from '@openward/contracts';
import {
  compilePolicy,
  misfitsOf,
  NO_SITE_TERMS,
  policyRefusalCode,
  readsTerms,
  TERM_VERDICTS_IN_30_DAYS,
  type TermLeave,
  type PolicyFinding,
  type SiteTerms,
} from '@openward/policy';
import type { JudgePolicy } from '@openward/policy-check';
import { attributed } from './own-terms.ts';

/** Why this node does not run a policy, for the people of its site. The network is told the code alone. */
export interface RefusedPolicy {
  readonly code: 'policyInvalid' | 'policyTestFailed' | 'policyWithheld';
  readonly findings: readonly PolicyFinding[];
}

const refused = (findings: readonly PolicyFinding[]): RefusedPolicy => ({
  code: policyRefusalCode(findings),
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
  if (misfits.length > 0) return { code: 'policyInvalid', findings: misfits };
  const why = await refusedBy(judge, policy, terms);
  return why && { ...why, findings: await attributed(judge, policy, terms, why.findings) };
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

/** Whether the network may be told once more what a policy does with the site's own words. */
export type AskLeave = (policy: PromptPolicy, terms: SiteTerms) => TermLeave | Promise<TermLeave>;

/**
 * What the network is told of: a policy that fails anywhere fails here too, and that tells nothing of the site. Only what is left
 * can hang on the site's own words, and is judged with them as often as leave is given (E6). Also what a person at the site is told
 * beforehand, by an `askLeave` that counts nothing.
 */
export async function toldRefusal(
  judge: JudgePolicy,
  release: Release,
  terms: SiteTerms,
  askLeave: AskLeave,
): Promise<RefusedRelease | null> {
  if (!readsTerms(release.policy, terms)) return refusedOf(judge, release, terms);
  const anywhere = await refusedOf(judge, release, NO_SITE_TERMS);
  if (anywhere !== null) return anywhere;
  const leave = await askLeave(release.policy, terms);
  return leave.kind === 'withheld' ? withheld(leave.until) : refusedOf(judge, release, terms);
}

const withheld = (until: number): RefusedRelease => ({
  code: 'policyWithheld',
  findings: [
    {
      code: 'verdictWithheld',
      where: 'terms',
      message:
        `${TERM_VERDICTS_IN_30_DAYS} policies were judged with this site’s own words (its form of record numbers, its values of ` +
        'variables) in 30 days. One more verdict could tell whoever writes policies what those words are, so none is given before ' +
        `${instantOf(until)}, whether the policy would run here or not. Have it retried after that.`,
    },
  ],
});

/**
 * Throws `Unrecoverable`, with the code that the network is told and the text for this node's own log. `note` takes what is shown
 * to the people of the site.
 */
export async function assertRuns(
  judge: JudgePolicy,
  release: Release,
  terms: SiteTerms,
  note: (refused: RefusedPolicy) => void,
  askLeave: AskLeave,
): Promise<void> {
  const why = await toldRefusal(judge, release, terms, askLeave);
  if (why === null) return;
  const { code, findings } = why;
  if (code !== 'agentTooOld') note({ code, findings });
  const { id, revision } = release.policy;
  const found = findings.map(({ where, message }) => `${where}: ${message}`).join('; ');
  throw new Unrecoverable(code, `the policy ${id}@${revision} is refused here: ${found}`);
}
