import type { Name, RolloutNodeView, RolloutView } from '@openward/contracts';
import { failedNodes, failureOf, nextOf } from './failures.ts';
import { finding, type Found, type Level } from './finding.ts';
import { nameOf } from './open-rollouts.ts';

const MOST_NAMED = 5;

/**
 * Rollouts that ended before their time, or completed without some of their nodes, each as a row until a newer rollout of the service
 * takes those nodes on. `ended`: the newest first; `open` ones may be newer than any of them.
 */
export function ofEndedRollouts(open: readonly RolloutView[], ended: readonly RolloutView[]): Found[] {
  return ended.flatMap((rollout) => {
    const newer = [...open, ...ended].filter((it) => isAfter(it, rollout));
    const taken = new Set(newer.flatMap((it) => it.nodes.map(({ node }) => node)));
    return ofEnded(rollout, taken);
  });
}

const isAfter = (one: RolloutView, other: RolloutView): boolean =>
  one.service === other.service && one.id !== other.id && one.startedAt > other.startedAt;

function ofEnded(rollout: RolloutView, taken: ReadonlySet<Name>): Found[] {
  const failed = failedNodes(rollout).filter(({ node }) => !taken.has(node));
  const isOverrun = rollout.nodes.every(({ node }) => taken.has(node));
  const isFollowedUp = failed.length === 0 && (rollout.status === 'completed' || failedNodes(rollout).length > 0);
  if (isOverrun || isFollowedUp) return [];
  return [
    finding(
      levelOf(rollout, failed),
      nameOf(rollout),
      whyOf(rollout, failed),
      nextAfter(rollout, failed),
      rollout.endedAt,
    ),
  ];
}

/** Nobody is warned of what a person did to a rollout that nothing was wrong with. */
function levelOf({ status }: RolloutView, failed: readonly RolloutNodeView[]): Level {
  if (failed.some(({ outcome }) => outcome === 'unableToRollBack')) return 'problem';
  return status === 'aborted' && failed.length === 0 ? 'ok' : 'warning';
}

function whyOf({ status, ending }: RolloutView, failed: readonly RolloutNodeView[]): string {
  const named = failed.slice(0, MOST_NAMED).map((node) => `${node.node} of ${node.site}: ${failureOf(node)}`);
  const more = failed.length > MOST_NAMED ? [`and ${failed.length - MOST_NAMED} more`] : [];
  if (status === 'completed') return `it completed without ${[...named, ...more].join('; ')}`;
  const who = ending === null ? 'it ended before its time' : `${ending.by} ended it`;
  // The engine's own reason counts the failures that are named here one by one.
  const why = ending?.why == null || (ending.by === 'engine' && failed.length > 0) ? '' : `: ${ending.why}`;
  return [`${who}${why}`, ...named, ...more].join('; ');
}

function nextAfter(rollout: RolloutView, failed: readonly RolloutNodeView[]): string {
  const [first] = failed;
  if (first !== undefined) return nextOf(rollout, first);
  return `\`openward rollouts show ${rollout.id}\` has all of it. This row goes when a newer rollout of the service takes these nodes.`;
}
