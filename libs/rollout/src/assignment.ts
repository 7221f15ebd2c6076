import { assignmentId, type Assignment, type Name } from '@openward/contracts';
import type { RolloutState } from './state.ts';

/** The document that stands in the node's desired state; null while nothing has been offered to it, or once a newer rollout has it. */
export function assignmentOf(rollout: RolloutState, name: Name): Assignment | null {
  const node = rollout.nodes[name];
  if (node === undefined || node.phase === null || node.takenBy !== null) return null;
  const { plan, offer } = rollout;
  const planned = plan.waves[node.wave]?.nodes.find((it) => it.node === name);
  const variant = offer.variants.find((it) => it.variant === planned?.variant);
  if (planned === undefined || variant === undefined) throw new Error(`${rollout.id} has no plan for ${name}`);
  return {
    id: assignmentId(rollout.id, name, node.attempt),
    rollout: rollout.id,
    planHash: plan.hash,
    attempt: node.attempt,
    phase: node.phase,
    service: rollout.service,
    release: { ...offer.release, change: planned.change },
    variant: {
      name: variant.variant,
      artifact: variant.artifact,
      ...(variant.base === undefined ? {} : { base: variant.base }),
      memoryMode: planned.memoryMode,
    },
    suite: offer.suite,
    from: planned.from,
    rollbackTarget: planned.rollbackTarget,
    soak: plan.settings.soak,
    windows: plan.settings.windows,
    seed: plan.settings.seed,
  };
}
