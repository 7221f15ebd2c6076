import {
  expiryOf,
  OLDEST_PROTOCOL,
  type Clearer,
  type DoctorFinding,
  type NodeView,
  type RolloutView,
  type Wait,
} from '@openward/contracts';
import type { ServerJudgement } from '@openward/messaging';
import type { EndingPolicy, NetworkState, NodeAhead } from '@openward/persistence';
import { inWords } from '@openward/rollout';
import type { RefusedNode } from '../reports/refused-reports.ts';

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
  readonly rollouts: readonly RolloutView[];
  readonly certificateUntil: number | null;
}

type Level = DoctorFinding['level'];

const finding = (
  level: Level,
  what: string,
  why: string,
  next: string,
  since: string | null = null,
): DoctorFinding => ({
  level,
  what,
  why,
  since,
  next,
});

const WHO: Readonly<Record<Clearer, string>> = {
  site: 'The site clears it',
  networkAdmin: 'A network admin clears it',
  time: 'It clears by itself in time',
  node: 'The node clears it by itself',
  network: 'It clears when the network is back',
};

/** Nodes report every 10 minutes; three of them missed are no chance. */
const SILENT_MS = 30 * 60_000;
const LAGS_MS = 10_000;
const FULL = 0.9;
const MONTH_MS = 30 * 86_400_000;

export function findings(facts: DoctorFacts): DoctorFinding[] {
  const found = [
    ...ofNetwork(facts),
    ...facts.ahead.map(ofAhead),
    ...facts.refused.map(ofRefused),
    ...facts.nodes.flatMap((node) => ofNode(node, facts.now)),
    ...facts.policies.flatMap((policy) => ofPolicy(policy, facts.now)),
    ...facts.rollouts.flatMap(ofRollout),
  ];
  return [...found.filter((it) => it.level !== 'ok'), ...found.filter((it) => it.level === 'ok')];
}

function ofNetwork(facts: DoctorFacts): DoctorFinding[] {
  const { network, links, server, outbox, artifacts } = facts;
  const found: DoctorFinding[] = [];
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

function ofAhead({ node, site, reported, held }: NodeAhead): DoctorFinding {
  const said = `it reports generation ${reported.epoch}.${reported.number}, which was never given to it`;
  const why = `${said} (${held === null ? 'none' : `${held.epoch}.${held.number}`} is held): it lies, or this control plane was restored`;
  return finding('problem', `node ${node} of ${site}`, why, 'Compare with other nodes; revoke it if it alone says so.');
}

/** Others are not kept waiting by it: of a node whose reports are refused in a row, few are read. */
function ofRefused({ node, site, why, reports, since }: RefusedNode): DoctorFinding {
  const said = `its reports are refused (${reports}, the last: ${inWords(why)}): this network does not know it by such keys, or somebody else has its credentials`;
  const next =
    'Ask hospital IT what the agent says; where nobody there sends them, `openward nodes revoke`, and it enrols again.';
  return finding('problem', `node ${node} of ${site}`, said, next, new Date(since).toISOString());
}

/** It closes nothing by itself: each site has chosen what then happens there. */
function ofPolicy({ service, release, policy, expires, nodes }: EndingPolicy, now: number): DoctorFinding[] {
  const { state, days } = expiryOf({ expires }, now);
  if (state === 'none' || state === 'valid') return [];
  const when = state === 'expired' ? `it expired at ${expires}` : `it expires at ${expires}, in ${days} days at most`;
  const where = `${nodes === 1 ? '1 node serves' : `${nodes} nodes serve`} release ${release} under it`;
  const next = 'Push its next revision, make a release with it, and roll that out.';
  const level = state === 'expired' ? 'problem' : 'warning';
  return [finding(level, `policy ${policy} of ${service}`, `${when}, and ${where}`, next)];
}

function ofNode(node: NodeView, now: number): DoctorFinding[] {
  if (node.revokedAt !== null) return [];
  const found: DoctorFinding[] = [];
  const what = `node ${node.name} of ${node.site}`;
  const say = (level: Level, why: string, next: string, since: string | null = null): void =>
    void found.push(finding(level, what, why, next, since));
  if (node.lastReportAt === null) {
    say('warning', 'it has never reported', 'Start the agent at the site.', node.enrolledAt);
  } else if (node.link?.connected === false) {
    const next = 'The site clears it: hospital IT looks whether the agent is up, and its line.';
    say('warning', 'it is not connected to the network', next, node.link.since);
  } else if (now - Date.parse(node.lastReportAt) > SILENT_MS) {
    say('warning', 'it has not reported lately', 'Look at the agent and its line at the site.', node.lastReportAt);
  }
  if (node.credentialsUntil !== null && Date.parse(node.credentialsUntil) < now) {
    say(
      'warning',
      'its NATS credentials have expired',
      'It renews by itself over HTTPS when it is back.',
      node.credentialsUntil,
    );
  }
  if (node.protocol !== null && node.protocol < OLDEST_PROTOCOL) {
    say('problem', `its agent speaks protocol ${node.protocol}, too old`, 'The site upgrades the agent.');
  }
  if (node.class?.runtimeSafe === 'refused')
    say('problem', `its runtime ${runtimeOf(node)} is not safe`, 'The site upgrades the runtime.');
  if (node.class?.runtimeSafe === 'unsafeAllowed') {
    say(
      'warning',
      `its runtime ${runtimeOf(node)} is not safe, and allowed all the same`,
      'The site upgrades the runtime.',
    );
  }
  for (const { service, serving, pinned, anchor, lastGood } of node.services) {
    // Before its first release a service serves nothing; afterwards a clinic is without it, as when a recall left nothing to go to.
    if (serving === 'notServing' && (anchor !== null || lastGood !== null))
      say(
        'problem',
        `nothing serves ${service}, which served before`,
        'Roll a release out to the site that is not recalled: `openward rollouts plan`.',
        node.lastReportAt,
      );
    if (serving === 'halted')
      say(
        'warning',
        `the site has halted ${service}`,
        'Only the site can lift it: `openward node resume`.',
        node.lastReportAt,
      );
    if (serving === 'degraded')
      say(
        'problem',
        `${service} is degraded: its runtime keeps failing`,
        'Hospital IT runs `openward node doctor`.',
        node.lastReportAt,
      );
    if (pinned)
      say(
        'warning',
        `the site has pinned ${service}`,
        'Only the site can lift it: `openward node unpin`.',
        node.lastReportAt,
      );
  }
  return found;
}

const runtimeOf = (node: NodeView): string => `${node.class?.runtime ?? ''} ${node.class?.runtimeVersion ?? ''}`.trim();

/** Waits that only time ends are no warning. */
const levelOf = ({ clearedBy }: Wait): Level =>
  clearedBy === 'site' || clearedBy === 'networkAdmin' ? 'warning' : 'ok';

function ofRollout(rollout: RolloutView): DoctorFinding[] {
  const name = `rollout ${rollout.id} (${rollout.service} ${rollout.release.number}, ${inWords(rollout.status)})`;
  const ofWait = (what: string, wait: Wait): DoctorFinding =>
    finding(levelOf(wait), what, wait.what, `${WHO[wait.clearedBy]}.`, wait.since);
  return [
    ...rollout.waits.map((wait) => ofWait(name, wait)),
    ...rollout.nodes.flatMap((node) =>
      node.waits.map((wait) => ofWait(`${name}: node ${node.node} of ${node.site}`, wait)),
    ),
  ];
}
