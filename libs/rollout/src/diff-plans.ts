import { canonicalJson, type BlockedNode, type Plan, type PlannedNode } from '@openward/contracts';
import { hashedPart } from './plan.ts';
import { refusePlan, type PlanRefusal } from './plan-facts.ts';

export interface RunnablePlan {
  readonly kind: 'run';
  /** The approved plan, with its hash, and without the nodes that are out. */
  readonly plan: Plan;
  readonly out: readonly BlockedNode[];
}

/**
 * R1, at the start: a node whose `from` has changed since the approval is out, whatever else changed with it; any other
 * difference in what the hash covers is refused, field by field. What runs is the approved plan, never the fresh one.
 */
export function diffPlans(approved: Plan, fresh: Plan): RunnablePlan | PlanRefusal {
  const now = new Map(nodesOf(fresh).map((node) => [node.node, node]));
  const out: BlockedNode[] = [];
  for (const node of nodesOf(approved)) {
    const found = now.get(node.node);
    if (found === undefined || found.from === node.from) continue;
    const detail = `it ran ${node.from ?? 'nothing'} when the plan was approved and runs ${found.from ?? 'nothing'} now`;
    out.push({ node: node.node, site: node.site, why: 'fromChanged', detail });
  }
  const isOut = new Set(out.map((it) => it.node));
  const differences = compare(hashedPart(without(approved, isOut)), hashedPart(without(fresh, isOut)), '');
  if (differences.length > 0) {
    return refusePlan('planStale', 'the plan is no longer what was approved', [
      ...differences,
      ...fresh.blocked.map((it) => `blocked now: ${it.node}: ${it.why}, ${it.detail}`),
    ]);
  }
  const plan = without(approved, isOut);
  const emptied = plan.waves.findIndex((wave) => wave.nodes.length === 0);
  if (emptied >= 0) {
    const lines = out.map((it) => `${it.node}: ${it.detail}`);
    return refusePlan('planStale', `wave ${emptied + 1} has no node left`, lines);
  }
  return { kind: 'run', plan: { ...plan, blocked: [...plan.blocked, ...out] }, out };
}

const nodesOf = (plan: Plan): readonly PlannedNode[] => plan.waves.flatMap((wave) => wave.nodes);

const without = (plan: Plan, out: ReadonlySet<string>): Plan => ({
  ...plan,
  waves: plan.waves.map((wave) => ({ nodes: wave.nodes.filter((node) => !out.has(node.node)) })),
});

/** One line for each field that differs: where, approved, now. Nodes are named, so that a line can be read by itself. */
function compare(approved: unknown, fresh: unknown, path: string): string[] {
  if (approved === undefined && fresh === undefined) return [];
  if (isBranch(approved) && isBranch(fresh)) {
    const keys = new Set([...Object.keys(approved), ...Object.keys(fresh)]);
    return [...keys].flatMap((key) =>
      compare(approved[key], fresh[key], path === '' ? key : `${path}.${nameOf(approved[key], key)}`),
    );
  }
  const [a, b] = [show(approved), show(fresh)];
  return a === b ? [] : [`${path}: approved ${a}, now ${b}`];
}

const isBranch = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const nameOf = (value: unknown, key: string): string =>
  isBranch(value) && typeof value['node'] === 'string' ? `${key}(${value['node']})` : key;
const show = (value: unknown): string => (value === undefined ? 'nothing' : canonicalJson(value));
