import type { RolloutNodeView, RolloutView } from '@openward/contracts';
import { until } from '@openward/testkit';
import type { NetworkWorld } from './harness/index.ts';
import { line } from './print.ts';

const shown = (node: RolloutNodeView): string => {
  const wait = node.waits[0];
  const gate = node.gate === null ? '' : `, gate ${node.gate.verdict}`;
  return `${node.step ?? 'not reached'}${node.reason === null ? '' : ` (${node.reason})`}${gate}${wait === undefined ? '' : `, ${wait.what}`}`;
};

/** Tells each change of a rollout as it comes, until `isOver` holds; the control plane may be away meanwhile. */
export async function follow(
  network: NetworkWorld,
  id: string,
  isOver: (view: RolloutView) => boolean,
  within = 90_000,
): Promise<RolloutView> {
  const last = new Map<string, string>();
  return until(
    async () => {
      const view = await network.api.rollouts.get(id).catch(() => null);
      if (view === null) return undefined;
      for (const node of view.nodes.filter(({ step }) => step !== null)) {
        const step = `${node.step} ${node.reason} ${node.gate?.verdict}`;
        if (last.get(node.node) === step) continue;
        last.set(node.node, step);
        line(`${node.site.padEnd(9)} ${shown(node)}`);
      }
      return isOver(view) ? view : undefined;
    },
    { within, every: 150, what: `the rollout ${id} comes to what the story says` },
  );
}

export const hasEnded = (view: RolloutView): boolean => ['completed', 'aborted', 'rolledBack'].includes(view.status);
export const nodeOf = (view: RolloutView, site: string): RolloutNodeView | undefined =>
  view.nodes.find((node) => node.site === site);
