import type { Name } from '@openward/contracts';
import { hasEnded, isReached, owesRollBack } from './nodes.ts';
import type { LiveNode } from './plan-facts.ts';
import type { RolloutState } from './state.ts';
import { nodesOf, standingIn } from './wave-gate.ts';

/**
 * R5: the nodes that a rollout holds against a second one. A late node that has not come back yet holds nobody up; one that
 * has is live until it is good or has ended.
 */
export function liveNodesOf(rollout: RolloutState): readonly LiveNode[] {
  const mine = nodesOf(rollout).filter((node) => node.takenBy === null);
  const live = (canSupersede: boolean, names: readonly Name[]): readonly LiveNode[] =>
    names.map((node) => ({ node, rollout: rollout.id, canSupersede }));
  const owing = mine.filter(owesRollBack).map((node) => node.node);
  switch (rollout.life.kind) {
    case 'running':
      return live(
        true,
        mine.map((node) => node.node),
      );
    case 'rollingBack':
      return live(
        false,
        mine.map((node) => node.node),
      );
    case 'completed': {
      const late = mine.filter(
        (node) =>
          node.late &&
          isReached(node) &&
          !hasEnded(node) &&
          standingIn(rollout, node) !== 'good' &&
          !owesRollBack(node),
      );
      return [
        ...live(false, owing),
        ...live(
          true,
          late.map((node) => node.node),
        ),
      ];
    }
    case 'aborted':
    case 'rolledBack':
      return live(false, owing);
  }
}
