import { standingsOf } from '@openward/activation';
import type { Agent } from '../agent.ts';
import { finding, type Finding } from './finding.ts';
import { ownValueFindings, type OwnValuesHere } from './own-values.ts';
import { policyFindings } from './policy-findings.ts';
import { serviceFindings, type ServiceFacts } from './service-findings.ts';

/** What a person here needs to know: what waits and who can clear it, and what of the fences holds. */
export async function examine(agent: Agent): Promise<{ readonly findings: readonly Finding[] }> {
  const description = await agent.runtimes.runtime.describe().catch(() => null);
  const policies = await agent.policies.facts().then(policyFindings, unreadable);
  const own = await ownValuesHere(agent).then(ownValueFindings, () => []);
  return {
    findings: [
      ...networkFindings(agent),
      ...diskFindings(agent),
      ...runtimeFindings(agent, description),
      ...policies,
      ...own,
      ...serviceFindings(serviceFacts(agent)),
    ],
  };
}

async function ownValuesHere({ policies }: Agent): Promise<OwnValuesHere> {
  const [held, offered] = [await policies.held(), await policies.offered()];
  return { terms: policies.settings.terms(), held: held.policies, offered: offered.policies };
}

export const serviceFacts = ({ reconciler, served }: Pick<Agent, 'reconciler' | 'served'>): ServiceFacts => ({
  offers: reconciler.offers(),
  standings: standingsOf(reconciler.state()),
  stopped: served.list(),
});

/** The doctor answers all the same: what it cannot look into is a finding too. */
const unreadable = (error: unknown): Finding[] => [
  finding(
    'problem',
    'the policies here',
    `a release that is held here cannot be read: ${error instanceof Error ? error.message : 'it is not known why'}`,
    'look at the data folder and at the disk',
    'site',
  ),
];

function networkFindings({ network }: Agent): Finding[] {
  const { credentials } = network.enrolment;
  return [
    network.isConnected
      ? finding('ok', 'the network', 'connected', '')
      : finding(
          'warning',
          'the network',
          'not connected; what is served goes on',
          'check the line to the control plane',
          'network',
        ),
    Date.parse(credentials.expiresAt) > Date.now()
      ? finding('ok', 'credentials', `valid until ${credentials.expiresAt}`, '')
      : finding(
          'warning',
          'credentials',
          `expired at ${credentials.expiresAt}`,
          'they renew by themselves over HTTPS once it is reachable',
          'network',
        ),
    ...(network.ledgerAlarm === null
      ? []
      : [
          finding(
            'problem',
            'the ledger',
            `it is ${network.ledgerAlarm} what the network accepted: a snapshot was restored, and nothing is sent (P8)`,
            'restore the newest data folder; or `openward node disclosures acknowledge --reason TEXT`: then it sends again, and the reason is kept here',
            'site',
          ),
        ]),
  ];
}

/** N7: whoever reads this has to act before what the reserve held is full too. */
export function diskFindings({ hasReserve, config }: Pick<Agent, 'hasReserve' | 'config'>): Finding[] {
  const { reserveBytes, dataDir } = config;
  if (reserveBytes === 0) return [];
  const size = `${Math.round(reserveBytes / 2 ** 20)} MiB`;
  if (hasReserve) return [finding('ok', 'the disk', `${size} are kept in reserve for journal and reports`, '')];
  const why = `it is full, or was: the reserve of ${size} was given up, so that journal and reports go on`;
  const next = `make room on the disk of ${dataDir}; the reserve is taken back by itself once twice as much is free`;
  return [finding('problem', 'the disk', why, next, 'site')];
}

type Description = Awaited<ReturnType<Agent['runtimes']['runtime']['describe']>> | null;

function runtimeFindings(agent: Agent, description: Description): Finding[] {
  if (description === null)
    return [finding('problem', 'the model runtime', 'it does not answer', 'start it, or look at its log', 'site')];
  const { kind, version, knownSafe, tested, isolation } = description;
  return [
    knownSafe
      ? finding('ok', 'the model runtime', `${kind} ${version}`, '')
      : finding(
          agent.config.runtime.allowUnsafeVersion ? 'warning' : 'problem',
          'the model runtime',
          `${kind} ${version} has known holes or is unknown (N8)${agent.config.runtime.allowUnsafeVersion ? ', and is allowed by runtime.allowUnsafeVersion' : ''}`,
          'upgrade it',
          'site',
        ),
    ...(tested
      ? []
      : [
          finding(
            'warning',
            'the model runtime',
            `${kind} ${version} is outside the tested versions`,
            'use a tested version',
            'site',
          ),
        ]),
    ...isolation.map(({ name, holds, why }) =>
      finding(
        holds ? 'ok' : 'warning',
        `runtime fence ${name}`,
        why,
        holds ? '' : 'see the operations guide on fences',
      ),
    ),
  ];
}
