import type { Digest, RecallEffect } from '@openward/contracts';
import type { Serving } from '@openward/persistence';
import { lastGoodOf } from '@openward/rollout';

const MOST_NAMED = 200;

/** What a recall would leave of the nodes that serve the release, as they last reported. Pure. */
export function recallEffectOf(
  release: Digest,
  serving: readonly Serving[],
  recalled: readonly Digest[],
): RecallEffect {
  const gone = new Set([...recalled, release]);
  const dark = serving.filter((node) => isLeftWithNothing(release, node, gone));
  return {
    serving: serving.length,
    leftWithNothing: dark.length,
    nodes: dark.slice(0, MOST_NAMED).map(({ node, site }) => ({ node, site })),
  };
}

/**
 * As the node chooses it once it has heard all that it was told: what its live rollout says that it goes back to, else its last good
 * release. Once the rollout is over its target is kept only as the last good release or the anchor; another anchor is for a person there
 * to choose.
 */
function isLeftWithNothing(release: Digest, node: Serving, gone: ReadonlySet<Digest>): boolean {
  const { anchor, told } = node;
  const lastGood = lastGoodOf({ active: release, lastGood: node.lastGood }, told);
  const target = told?.release === release ? told.rollbackTarget : null;
  const isKept = told?.phase !== 'complete' || target === lastGood || target === anchor;
  return [isKept ? target : null, lastGood].every((choice) => choice === null || gone.has(choice));
}
