import { expiryOf, type PromptPolicy } from '@openward/contracts';
import type { OnPolicyExpiry, PolicyRefusal } from '@openward/persistence/node';
import type { PolicyTrouble } from '../gateway/policy-counts.ts';
import type { Finding } from './finding.ts';

/** What of the policies here a person should know of. */
export interface PolicyFacts {
  readonly serving: readonly { readonly service: string; readonly policy: PromptPolicy }[];
  /** Of releases that are held here: their documents cannot be read. */
  readonly unread: readonly { readonly service: string; readonly number: number }[];
  readonly recordNumber: string | null;
  readonly onExpiry: OnPolicyExpiry;
  readonly troubles: readonly PolicyTrouble[];
  /** Of the newest release that was offered for each service, where it was its policy that ended the attempt. */
  readonly refusals: readonly PolicyRefusal[];
  readonly now: number;
}

export const policyFindings = ({
  serving,
  unread,
  recordNumber,
  onExpiry,
  troubles,
  refusals,
  now,
}: PolicyFacts): Finding[] => [
  ...serving.flatMap(({ service, policy }) => [
    ...expiryFindings(service, policy, onExpiry, now),
    ...recordNumberFindings(service, policy, recordNumber),
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
    next: `tell the network admin; \`openward node rollback ${service}\` goes back to the policy before`,
  })),
  ...refusals.map(({ service, number, findings: [first] }): Finding => ({
    level: 'warning',
    what: `${service} release ${number}`,
    why: `its policy is refused here: ${first === undefined ? 'it is not known why' : `${first.where}: ${first.message}`}`,
    clearedBy: 'networkAdmin',
    next: 'nothing has changed; see `openward node policy terms` for all that was found, and tell the network admin',
  })),
];

function expiryFindings(service: string, policy: PromptPolicy, onExpiry: OnPolicyExpiry, now: number): Finding[] {
  const { state, days } = expiryOf(policy, now);
  if (state === 'none' || state === 'valid') return [];
  const chosen = onExpiry === 'goOn' ? 'goes on' : 'gives callers its fallback text';
  return [
    {
      level: state === 'expired' && onExpiry === 'fallback' ? 'problem' : 'warning',
      what: `the policy of ${service}`,
      why:
        state === 'expired'
          ? `${policy.id}@${policy.revision} expired ${days} days ago; as this site chose, the service ${chosen}`
          : `${policy.id}@${policy.revision} expires in ${days} days; then, as this site chose, the service ${chosen}`,
      clearedBy: 'networkAdmin',
      next: 'ask the network admin for a newer revision; `openward node policy on-expiry go-on|fallback` is your choice until then',
    },
  ];
}

function recordNumberFindings(service: string, { rules }: PromptPolicy, recordNumber: string | null): Finding[] {
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
