import type { Name, Plan, RolloutId } from '@openward/contracts';
import { liveNodesOf } from './conflicts.ts';
import { openWave } from './advance.ts';
import { decide } from './decide.ts';
import { draftOf, note, tell } from './draft.ts';
import type { Effect, EngineSettings } from './events.ts';
import { refusePlan, type PlanFacts, type PlanRefusal } from './plan-facts.ts';
import { ENGINE_VERSION, type NodeState, type Offer, type RolloutState } from './state.ts';
import { nodesOf } from './wave-gate.ts';

export interface StartOrder {
  readonly id: RolloutId;
  readonly now: number;
  readonly by: string;
  /** Out of `diffPlans`. */
  readonly plan: Plan;
  readonly offer: Offer;
  readonly supersede: boolean;
}

interface Decided {
  readonly next: RolloutState;
  readonly effects: readonly Effect[];
}

export interface StartDecision {
  readonly kind: 'started';
  readonly rollout: Decided;
  /** Older rollouts of the service that lose nodes to this one; their effects come first. */
  readonly others: readonly Decided[];
}

export function offerOf(facts: PlanFacts): Offer {
  const { document, digest, artifact } = facts.release;
  const { id, revision, notBefore, expires } = document.policy;
  return {
    release: {
      digest,
      number: document.number,
      change: document.change,
      model: document.model.name,
      modelVersion: document.model.version,
      document: artifact,
    },
    suite: {
      ...document.suite,
      readsSiteData: facts.suite.gates.some((gate) => gate.set === 'own'),
      bundledItems: facts.suite.items.length,
    },
    variants: document.model.variants.map(({ variant, artifact: file, base }) => ({
      variant,
      artifact: file,
      ...(base === undefined ? {} : { base }),
    })),
    policy: { id, revision, notBefore, expires },
  };
}

/** R5, then the first wave. `others` are the service's open rollouts as they stand in the transaction that stores this. */
export function startRollout(
  order: StartOrder,
  others: readonly RolloutState[],
  settings: EngineSettings,
): StartDecision | PlanRefusal {
  const names = new Set(order.plan.waves.flatMap((wave) => wave.nodes.map((node) => node.node)));
  const live = others.flatMap(liveNodesOf).filter((it) => names.has(it.node));
  const inTheWay = live.filter((it) => !it.canSupersede || !order.supersede);
  if (inTheWay.length > 0) {
    const ids = [...new Set(inTheWay.map((it) => it.rollout))];
    const how = inTheWay.some((it) => !it.canSupersede) ? 'takes nodes back, which cannot be superseded' : 'is live';
    return refusePlan(
      'rolloutLive',
      `${ids.join(', ')} ${how}`,
      inTheWay.map((it) => `${it.node}: ${it.rollout}`),
    );
  }
  const newer = others.find((other) => other.engine > ENGINE_VERSION);
  if (newer !== undefined) return refusePlan('rolloutLive', `${newer.id} was written by a newer engine (V2)`);
  const taken = others.flatMap((other) => takeOver(other, order, [...names], settings));
  return { kind: 'started', rollout: begin(order), others: taken };
}

function takeOver(other: RolloutState, order: StartOrder, nodes: readonly Name[], settings: EngineSettings): Decided[] {
  if (!nodesOf(other).some((node) => node.takenBy === null && nodes.includes(node.node))) return [];
  const { id, now, by } = order;
  const decision = decide(other, { kind: 'taken', now, by, rollout: id, nodes }, settings);
  if (decision.kind === 'refused') throw new Error(`${other.id} does not let go: ${decision.why}`);
  return [{ next: decision.next, effects: decision.effects }];
}

function begin(order: StartOrder): Decided {
  const { plan, now, by } = order;
  const nodes = plan.waves.flatMap((wave, index) => wave.nodes.map((it) => freshNode(it.node, it.site, index, now)));
  const draft = draftOf(
    {
      engine: ENGINE_VERSION,
      id: order.id,
      service: plan.service,
      plan,
      offer: order.offer,
      startedAt: now,
      startedBy: by,
      life: { kind: 'running' },
      wave: 0,
      waves: plan.waves.map(() => ({ kind: 'notStarted' })),
      nodes: Object.fromEntries(nodes.map((node) => [node.node, node])),
      pauses: [],
      recalled: false,
    },
    now,
  );
  note(draft, by, 'rolloutStarted', { detail: plan.blocked.map((it) => `${it.node}: ${it.why}`).join(', ') || null });
  if (plan.settings.prefetch) for (const node of nodes) if (node.wave > 0) tell(draft, node.node, 'prepare');
  openWave(draft, 0);
  return { next: draft.state, effects: draft.effects };
}

const freshNode = (node: Name, site: Name, wave: number, now: number): NodeState => ({
  node,
  site,
  wave,
  attempt: 1,
  phase: null,
  phaseSince: now,
  late: false,
  pastFailures: 0,
  seen: null,
  said: null,
  saidSince: null,
  hasFailed: false,
  pinned: false,
  halted: false,
  judged: null,
  permit: null,
  takenBy: null,
  owedSince: null,
});
