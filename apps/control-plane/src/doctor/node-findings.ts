import { OLDEST_PROTOCOL, type NodeView } from '@openward/contracts';
import { findingOfNode, type Found, type Level } from './finding.ts';

/** Nodes report every 10 minutes; three of them missed are no chance. */
const SILENT_MS = 30 * 60_000;

/** What its own reports and its connection say of it. */
export function ofNode(node: NodeView, now: number): Found[] {
  if (node.revokedAt !== null) return [];
  const found: Found[] = [];
  const say = (level: Level, why: string, next: string, since: string | null = null): void =>
    void found.push(findingOfNode(node, level, why, next, since));
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
  for (const { service, serving, pinned, active, anchor, lastGood } of node.services) {
    // Before its first release a service serves nothing; afterwards a clinic is without it, as when a recall left nothing to go to.
    if (serving === 'notServing' && (anchor !== null || lastGood !== null))
      say(
        'problem',
        `nothing serves ${service}, which served before`,
        'Roll a release out to the site that is not recalled: `openward rollouts plan`. Its own doctor says what it can go back to.',
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
        `the site has pinned ${service}${pinnedAt({ active, anchor, lastGood })}`,
        'Only the site can lift it: `openward node unpin`. What it went back from is offered again with `openward rollouts retry` while its rollout runs or once it has completed, else by a new plan (`openward rollouts plan`).',
        node.lastReportAt,
      );
  }
  return found;
}

/** A site that went back by its own hand may stand there for years. */
function pinnedAt({ active, anchor, lastGood }: Pick<NodeView['services'][number], 'active' | 'anchor' | 'lastGood'>) {
  if (active === null || lastGood === null || active === lastGood) return '';
  return active === anchor
    ? ', on the first release that it ever committed'
    : ', on another release than its last good one';
}

const runtimeOf = (node: NodeView): string => `${node.class?.runtime ?? ''} ${node.class?.runtimeVersion ?? ''}`.trim();
