import { expiryOf, type DoctorFinding, type NodeView, type RolloutView } from '@openward/contracts';
import type { ServerJudgement } from '@openward/messaging';
import type { EndingPolicy, NetworkState, NodeAhead } from '@openward/persistence';
import { inWords } from '@openward/rollout';
import type { RefusedNode } from '../reports/refused-reports.ts';
import { ofEndedRollouts } from './ended-rollouts.ts';
import { finding, findingOfNode, groupedByNode, worstFirst, type Found } from './finding.ts';
import { ofNode } from './node-findings.ts';
import { ofOpenRollout } from './open-rollouts.ts';

// What `openward doctor` prints: everything that waits or is not as it should be, since when, and who can clear it. Pure.

export interface DoctorFacts {
  /** The database's clock, in milliseconds since 1970. */
  readonly now: number;
  readonly network: NetworkState;
  /** D6: nodes that report a generation above what is held for them. */
  readonly ahead: readonly NodeAhead[];
  readonly links: readonly { readonly role: string; readonly isConnected: boolean }[];
  readonly server: { readonly version: string; readonly judged: ServerJudgement };
  readonly outbox: { readonly nodes: number; readonly oldestMs: number };
  readonly artifacts: { readonly bytes: number; readonly quotaBytes: number };
  /** Those with an end under which nodes serve. */
  readonly policies: readonly EndingPolicy[];
  /** Whose reports this replica refused in the last minutes. */
  readonly refused: readonly RefusedNode[];
  readonly nodes: readonly NodeView[];
  /** Those that may still tell some node something. */
  readonly rollouts: readonly RolloutView[];
  /** Those that have ended lately, the newest first. */
  readonly ended: readonly RolloutView[];
  readonly certificateUntil: number | null;
}

const LAGS_MS = 10_000;
const FULL = 0.9;
const MONTH_MS = 30 * 86_400_000;

export function findings(facts: DoctorFacts): DoctorFinding[] {
  const cutOff = new Set(facts.nodes.filter(({ link }) => link?.connected === false).map(({ name }) => name));
  const found = [
    ...ofNetwork(facts),
    ...facts.ahead.map(ofAhead),
    ...facts.refused.map(ofRefused),
    ...facts.nodes.flatMap((node) => ofNode(node, facts.now)),
    ...facts.policies.flatMap((policy) => ofPolicy(policy, facts.now)),
    ...facts.rollouts.flatMap((rollout) => ofOpenRollout(rollout, cutOff)),
    ...ofEndedRollouts(facts.rollouts, facts.ended),
  ];
  return worstFirst(groupedByNode(found));
}

function ofNetwork(facts: DoctorFacts): Found[] {
  const { network, links, server, outbox, artifacts } = facts;
  const found: Found[] = [];
  if (network.readOnly !== null) {
    const { node, reported, held } = network.readOnly.cause;
    const seen = `${node} has seen generation ${reported.epoch}.${reported.number}`;
    const why = `${seen}, and ${held === null ? 'none' : `${held.epoch}.${held.number}`} is held here: was a backup restored?`;
    const next = 'Find out what was lost, then a network admin opens a new epoch.';
    found.push(finding('problem', 'the control plane is read-only', why, next, network.readOnly.since));
  }
  for (const { role } of links.filter((it) => !it.isConnected)) {
    const why = 'the server does not answer, or does not take the credentials';
    found.push(finding('problem', `NATS (${role}) is not connected`, why, 'Look at the NATS server and its log.'));
  }
  const { judged, version } = server;
  const warnings = 'refused' in judged ? [judged.refused] : judged.warnings;
  for (const warning of warnings)
    found.push(finding('warning', `NATS server ${version}`, warning, 'Upgrade the NATS server.'));
  if (outbox.oldestMs > LAGS_MS) {
    const since = new Date(facts.now - outbox.oldestMs).toISOString();
    const what = `${outbox.nodes} nodes wait to be told their desired state`;
    found.push(
      finding('warning', what, 'it was not put into NATS yet', 'Look at the NATS server, and at this log.', since),
    );
  }
  if (artifacts.bytes > FULL * artifacts.quotaBytes) {
    const why = `${artifacts.bytes} of ${artifacts.quotaBytes} bytes are used`;
    found.push(
      finding(
        'warning',
        'the artifact store is nearly full',
        why,
        'Raise the quota (OPENWARD_ARTIFACT_QUOTA_BYTES), or retire versions that nothing uses: `openward models retire`.',
      ),
    );
  }
  if (facts.certificateUntil !== null && facts.certificateUntil - facts.now < MONTH_MS) {
    const until = new Date(facts.certificateUntil).toISOString();
    found.push(
      finding(
        'warning',
        'the server’s certificate ends soon',
        `it is good until ${until}`,
        'Make a new one of the same authority.',
      ),
    );
  }
  if (found.length === 0)
    found.push(
      finding('ok', 'database, NATS and artifact store', `they answer; NATS server ${version}`, 'Nothing to do.'),
    );
  return found;
}

function ofAhead({ node, site, reported, held }: NodeAhead): Found {
  const said = `it reports generation ${reported.epoch}.${reported.number}, which was never given to it`;
  const why = `${said} (${held === null ? 'none' : `${held.epoch}.${held.number}`} is held): it lies, or this control plane was restored`;
  return findingOfNode(
    { name: node, site },
    'problem',
    why,
    'Compare with other nodes; revoke it if it alone says so.',
  );
}

/** Others are not kept waiting by it: of a node whose reports are refused in a row, few are read. */
function ofRefused({ node, site, why, reports, since }: RefusedNode): Found {
  const said = `its reports are refused (${reports}, the last: ${inWords(why)}): this network does not know it by such keys, or somebody else has its credentials`;
  const next =
    'Ask hospital IT what the agent says; where nobody there sends them, `openward nodes revoke`, and it enrols again.';
  return findingOfNode({ name: node, site }, 'problem', said, next, new Date(since).toISOString());
}

/** It closes nothing by itself: each site has chosen what then happens there. */
function ofPolicy({ service, release, policy, expires, nodes }: EndingPolicy, now: number): Found[] {
  const { state, days } = expiryOf({ expires }, now);
  if (state === 'none' || state === 'valid') return [];
  const when = state === 'expired' ? `it expired at ${expires}` : `it expires at ${expires}, in ${days} days at most`;
  const where = `${nodes === 1 ? '1 node serves' : `${nodes} nodes serve`} release ${release} under it`;
  const next = 'Push its next revision, make a release with it, and roll that out.';
  const level = state === 'expired' ? 'problem' : 'warning';
  return [finding(level, `policy ${policy} of ${service}`, `${when}, and ${where}`, next)];
}
