import type { NodeStanding } from '@openward/contracts';
import { standingOf } from './nodes.ts';
import type { NodeState, RolloutState } from './state.ts';

// R3's second gate: over a wave, after activation.

export type Tally = Readonly<Record<NodeStanding, number>> & { readonly needed: number };

export const nodesOf = (rollout: RolloutState): readonly NodeState[] => Object.values(rollout.nodes);
export const nodesOfWave = (rollout: RolloutState, wave: number): readonly NodeState[] =>
  nodesOf(rollout).filter((node) => node.wave === wave);
export const standingIn = (rollout: RolloutState, node: NodeState): NodeStanding =>
  standingOf(node, rollout.plan.settings.soak.restarts);

export function tallyWave(rollout: RolloutState, wave: number): Tally {
  const nodes = nodesOfWave(rollout, wave);
  const count = { good: 0, failed: 0, declined: 0, unknown: 0 };
  for (const node of nodes) count[standingIn(rollout, node)] += 1;
  return { ...count, needed: neededGood(rollout.plan.settings.quorum, nodes.length) };
}

/** max(1, ⌈quorum × nodes⌉); the small term keeps 0.07 × 100 from asking for 8. */
export const neededGood = (quorum: number, nodes: number): number => Math.max(1, Math.ceil(quorum * nodes - 1e-9));

/**
 * Over the rollout, so that `tolerated` is not spent again by each wave or each retry (R4). Nodes whose wave has not begun
 * do not count yet, and a late node's failure is its own (R7).
 */
export function failuresOf(rollout: RolloutState): number {
  let failures = 0;
  for (const node of nodesOf(rollout)) {
    if (node.wave > rollout.wave) continue;
    failures += node.pastFailures + (!node.late && standingIn(rollout, node) === 'failed' ? 1 : 0);
  }
  return failures;
}

export const isToleranceExceeded = (rollout: RolloutState): boolean =>
  failuresOf(rollout) > rollout.plan.settings.tolerated;

export type WaveVerdict = 'pass' | 'fail' | 'inconclusive' | 'open';

/** Of the open wave. A value that is missing counts as unknown, and unknown never passes before the deadline. */
export function judgeWave(rollout: RolloutState, deadline: number, now: number): WaveVerdict {
  if (isToleranceExceeded(rollout)) return 'fail';
  const { good, unknown, needed } = tallyWave(rollout, rollout.wave);
  const isOver = now >= deadline;
  if (good >= needed && (unknown === 0 || isOver)) return 'pass';
  return isOver ? 'inconclusive' : 'open';
}
