import { digestOf, type PlanRequest, type PlannedNode, type WaveRequest } from '@openward/contracts';
import type { NodeFacts } from './plan-facts.ts';

/** The labels that selectors see. */
export const labelsOf = (node: NodeFacts): Readonly<Record<string, string>> => ({
  ...node.labels,
  site: node.site,
  tier: node.tier,
});

export const hasLabels = (node: NodeFacts, wanted: PlanRequest['select']['labels']): boolean =>
  Object.entries(wanted).every(([name, values]) => {
    const value = labelsOf(node)[name];
    return value !== undefined && values.includes(value);
  });

/** The same seed gives the same order whatever order the nodes were loaded in, and a node more does not shuffle the rest. */
export const inSeededOrder = <T extends { readonly node: string }>(nodes: readonly T[], seed: number): readonly T[] =>
  nodes
    .map((node) => ({ node, key: digestOf([seed, node.node]) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ node }) => node);

export interface Candidate {
  readonly node: string;
  readonly facts: NodeFacts;
  readonly planned: PlannedNode;
}

/** The nodes of each wave asked for, in order; a node is in the first wave that takes it. */
export function chooseWaves(
  candidates: readonly Candidate[],
  waves: readonly WaveRequest[],
  seed: number,
): Candidate[][] {
  let left = inSeededOrder(candidates, seed);
  return waves.map((wave) => {
    const chosen = new Set(choose(left, wave, candidates.length));
    left = left.filter((it) => !chosen.has(it));
    return [...chosen];
  });
}

function choose(left: readonly Candidate[], wave: WaveRequest, total: number): readonly Candidate[] {
  switch (wave.by) {
    case 'sites':
      return wave.sites.flatMap((site) => left.filter((it) => it.facts.site === site));
    case 'labels':
      return left.filter((it) => hasLabels(it.facts, wave.labels));
    case 'count':
      return left.slice(0, wave.count);
    case 'percent':
      return left.slice(0, Math.max(1, Math.ceil((wave.percent * total) / 100 - 1e-9)));
    case 'rest':
      return left;
  }
}

/** Whether a wave asked for this node by name or label, so that its being blocked is why the wave is empty. */
export function asksFor(wave: WaveRequest, node: NodeFacts): boolean {
  switch (wave.by) {
    case 'sites':
      return wave.sites.includes(node.site);
    case 'labels':
      return hasLabels(node, wave.labels);
    case 'count':
    case 'percent':
      return true;
    case 'rest':
      return false;
  }
}
