import { expiryOf, type PromptPolicy } from '@openward/contracts';
import type { OnPolicyExpiry, PolicyRefusal } from '@openward/persistence/node';
import type { PolicyTrouble } from '../gateway/policy-counts.ts';
import type { SiteTerms } from '@openward/policy';
import { ownWordsIn } from '../node/own-terms.ts';
import { expiryWords } from './expiry-words.ts';
import { finding, since, type Finding } from './finding.ts';

/** What of the policies here a person should know of. */
export interface PolicyFacts {
  readonly serving: readonly { readonly service: string; readonly policy: PromptPolicy }[];
  /** Of releases that are held here: their documents cannot be read. */
  readonly unread: readonly { readonly service: string; readonly number: number }[];
  readonly terms: SiteTerms;
  readonly onExpiry: OnPolicyExpiry;
  readonly troubles: readonly PolicyTrouble[];
  /** Of the newest release that was offered for each service, where it was its policy that ended the attempt. */
  readonly refusals: readonly PolicyRefusal[];
  readonly now: number;
}

export const policyFindings = ({
  serving,
  unread,
  terms,
  onExpiry,
  troubles,
  refusals,
  now,
}: PolicyFacts): Finding[] => [
  ...serving.flatMap(({ service, policy }) => [
    ...expiryFindings(service, policy, onExpiry, now),
    ...recordNumberFindings(service, policy, terms),
  ]),
  ...unread.map(({ service, number }): Finding => ({
    level: 'problem',
    what: `${service} release ${number}`,
    why: 'its document cannot be read from this disk, so that no change of your terms is checked with its policy',
    clearedBy: 'site',
    next: 'look at the disk; what serves goes on, and this release is checked before it is loaded again',
  })),
  ...troubles.map(({ service, id, revision, rule, at, times }): Finding => ({
    level: 'problem',
    what: `the policy of ${service}`,
    why: `the rule ${rule} of ${id}@${revision} could not be applied, ${times === 1 ? 'once' : `${times} times`}, last at ${new Date(at).toISOString()}; callers got the fallback text`,
    clearedBy: 'networkAdmin',
    next: `tell the network admin; \`openward node rollback ${service}\` goes back to the release that \`openward node status\` names`,
  })),
  ...refusals.map((refusal) => since(refusal.at, refusalFinding(refusal, terms))),
];

function refusalFinding({ service, number, findings }: PolicyRefusal, terms: SiteTerms): Finding {
  const what = `${service} release ${number}`;
  const own = ownWordsIn(findings, terms);
  const first = findings.find(({ code }) => own.kind === 'none' || code !== 'siteTermInvalid');
  const found = first === undefined ? 'it is not known why' : `${first.where}: ${first.message}`;
  const again =
    'ask a network admin for another attempt (openward rollouts retry; a rollout that was aborted or rolled back is planned anew, openward rollouts plan)';
  const author = 'or ask, through the network admin, the policy’s author to change the rule, the text or the test';
  if (first?.code === 'verdictWithheld')
    return finding('warning', what, `it is not told whether its policy runs here: ${first.message}`, again, 'time');
  if (own.kind === 'none') {
    const next =
      'nothing has changed; see `openward node policy terms` for all that was found, and tell the network admin';
    return finding('warning', what, `its policy is refused here: ${found}`, next, 'networkAdmin');
  }
  const why = `its policy is refused here because of this site’s ${own.what}: ${found}`;
  return own.kind === 'standing'
    ? finding('warning', what, why, `${own.commands.join(', ')}, then ${again}; ${author}`, 'site')
    : finding('warning', what, `${why}; that was changed since`, again, 'networkAdmin');
}

function expiryFindings(service: string, policy: PromptPolicy, onExpiry: OnPolicyExpiry, now: number): Finding[] {
  const { state } = expiryOf(policy, now);
  const { expires } = policy;
  if (expires === null || state === 'none' || state === 'valid') return [];
  const chosen = onExpiry === 'goOn' ? 'goes on' : 'gives callers its fallback text';
  return [
    {
      level: state === 'expired' && onExpiry === 'fallback' ? 'problem' : 'warning',
      what: `the policy of ${service}`,
      why:
        state === 'expired'
          ? `${policy.id}@${policy.revision} ${expiryWords(expires, now)}; as this site chose, the service ${chosen}`
          : `${policy.id}@${policy.revision} ${expiryWords(expires, now)}; then, as this site chose, the service ${chosen}`,
      clearedBy: 'networkAdmin',
      next: 'ask the network admin for a newer revision; `openward node policy on-expiry go-on|fallback` is your choice until then',
      ...(state === 'expired' && !Number.isNaN(Date.parse(expires)) ? { since: expires } : {}),
    },
  ];
}

function recordNumberFindings(service: string, { rules }: PromptPolicy, { recordNumber }: SiteTerms): Finding[] {
  const rule = rules.find(({ match }) => match.kind === 'identifier' && match.identifier === 'recordNumber');
  if (rule === undefined || recordNumber !== null) return [];
  return [
    {
      level: 'warning',
      what: `the policy of ${service}`,
      why: `its rule ${rule.id} looks for medical record numbers, and finds none: it does not know their form here`,
      clearedBy: 'site',
      next: 'give it with `openward node policy record-number PATTERN`',
    },
  ];
}
