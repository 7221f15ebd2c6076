import {
  type ArtifactRef,
  type Assignment,
  assignmentId,
  type AssignmentStatus,
  type Digest,
  type Name,
  type PermitReply,
} from '@openward/contracts';
import { aDesiredState, anAssignment, type AssignmentSketch } from './documents.ts';
import { between, type SimulatedWorld } from './world.ts';
import type { Permits, StatePart } from '../ports.ts';

/** What is wrong with a release, if anything. */
export type Nature = 'good' | 'badGate' | 'inconclusive' | 'badProbe' | 'badSoak' | 'crashing' | 'notLoadable';
const NATURES: readonly Nature[] = ['badGate', 'inconclusive', 'badProbe', 'badSoak', 'crashing', 'notLoadable'];

export const PERMIT_MS = 20_000;

interface Plan {
  assignment: Assignment;
  status: AssignmentStatus | null;
  since: number;
}

interface NodeView {
  readonly plans: Map<Name, Plan>;
  readonly lastGood: Map<Name, Digest>;
  readonly active: Map<Name, Digest | null>;
  generation: number;
  /** Of the newest report that was applied: it fences older ones (R2). */
  seq: number;
}

/** Enough of a control plane to lead nodes through rollouts, good and bad, over a network that loses, delays and repeats. */
export class StubNetwork {
  readonly services: readonly Name[] = ['summary', 'triage'];
  readonly nature = new Map<Digest, Nature>();
  /** Of each release that can be loaded, which may be another one's too: then they differ in their policy alone. */
  readonly #weights: ArtifactRef[] = [];
  readonly recalled = new Set<Digest>();
  /** Nonces of the questions that were answered with leave. */
  readonly granted = new Set<string>();
  readonly cut = new Set<Name>();
  readonly #world: SimulatedWorld;
  readonly #nodes = new Map<Name, NodeView>();
  readonly #deliver: (node: Name, doc: ReturnType<typeof aDesiredState>) => void;
  readonly #kept = new Map<string, PermitReply>();
  #number = 0;
  #seq = 0;
  /** From then on nothing is lost and every new release is good. */
  isCalm = false;

  constructor(
    world: SimulatedWorld,
    nodes: readonly Name[],
    deliver: (node: Name, doc: ReturnType<typeof aDesiredState>) => void,
  ) {
    this.#world = world;
    this.#deliver = deliver;
    for (const node of nodes) {
      this.#nodes.set(node, { plans: new Map(), lastGood: new Map(), active: new Map(), generation: 0, seq: 0 });
    }
  }

  plan(node: Name, service: Name): Plan | undefined {
    return this.#nodes.get(node)?.plans.get(service);
  }

  /** One look at every node: what it said decides what it is told. */
  tick(): void {
    for (const [name, view] of this.#nodes) {
      for (const service of this.services) this.#lead(name, view, service);
      this.#tell(name, view);
    }
  }

  reported(node: Name, part: StatePart): void {
    const seq = ++this.#seq;
    this.#unreliable(node, () => {
      const view = this.#nodes.get(node)!;
      if (seq < view.seq) return;
      view.seq = seq;
      for (const state of part.services) {
        const plan = view.plans.get(state.service);
        view.active.set(state.service, state.active);
        if (state.lastGood !== null) view.lastGood.set(state.service, state.lastGood);
        if (plan && state.assignment?.assignment === plan.assignment.id) plan.status = state.assignment;
      }
    });
  }

  asked(node: Name, question: Parameters<Permits['ask']>[0], reply: (answer: PermitReply) => void): void {
    this.#unreliable(node, () => {
      const plan = [...this.#nodes.get(node)!.plans.values()].find((it) => it.assignment.id === question.assignment);
      const { nonce } = question;
      const isOpen =
        plan?.assignment.phase === 'proceed' &&
        plan.assignment.planHash === question.planHash &&
        !this.recalled.has(question.release);
      if (!isOpen || (!this.isCalm && this.#world.random() < 0.2)) {
        const answer = { granted: false, why: 'concurrencyReached', retryAfterMs: 500 } as const;
        return this.#unreliable(node, () => reply({ v: 1, nonce, answer }));
      }
      const kept = this.#kept.get(question.assignment);
      // Somebody sends an answer again that was kept from another asking.
      if (kept !== undefined && !this.isCalm && this.#world.random() < 0.2) return reply(kept);
      this.granted.add(nonce);
      const { assignment, planHash, release } = question;
      const answer = { granted: true, assignment, planHash, release, lifetimeMs: PERMIT_MS } as const;
      const sealed: PermitReply = { v: 1, nonce, answer };
      this.#kept.set(assignment, sealed);
      this.#unreliable(node, () => reply(sealed));
    });
  }

  /** Lost, late, out of order, twice. */
  #unreliable(node: Name, run: () => void): void {
    if (this.cut.has(node)) return;
    if (this.isCalm || this.#world.random() < 0.85) this.#world.at(between(this.#world, 1, 400), run);
    if (!this.isCalm && this.#world.random() < 0.2) this.#world.at(between(this.#world, 1, 60_000), run);
  }

  #tell(name: Name, { plans, generation }: NodeView): void {
    const assignments = [...plans.values()].map(({ assignment }) => assignment);
    const doc = aDesiredState(generation, assignments, { node: name, recalled: [...this.recalled] });
    this.#unreliable(name, () => this.#deliver(name, doc));
  }

  #lead(name: Name, view: NodeView, service: Name): void {
    const plan = view.plans.get(service);
    if (plan === undefined) return this.#roll(name, view, service);
    const { assignment, status } = plan;
    const isEnded = status !== null && ['failed', 'rejected', 'superseded', 'rolledBack'].includes(status.step);
    const isOver = assignment.phase === 'complete' && view.lastGood.get(service) === assignment.release.digest;
    const isRecalled = this.recalled.has(assignment.release.digest);
    if ((isEnded && status.outcome !== undefined) || isRecalled) return this.#roll(name, view, service);
    const soaked = status?.step === 'active' && (status.soak === 'ok' || status.soak === 'tooFewRequests');
    if (assignment.phase === 'prepare' && this.#chance(0.2)) return this.#turn(view, plan, 'proceed');
    if (assignment.phase === 'proceed' && soaked) return this.#turn(view, plan, 'commit');
    if (assignment.phase === 'commit' && status?.step === 'committed') return this.#turn(view, plan, 'complete');
    if (assignment.phase === 'withdraw' || assignment.phase === 'rollBack') {
      if (this.#chance(0.1) && status?.step !== 'activating') this.#roll(name, view, service);
      return;
    }
    if (this.isCalm) {
      if (this.nature.get(assignment.release.digest) !== 'good') this.#roll(name, view, service);
      return;
    }
    if (isOver && this.#world.random() < 0.05) return this.#roll(name, view, service);
    const chance = this.#world.random();
    if (chance < 0.004) this.#turn(view, plan, this.#world.random() < 0.5 ? 'withdraw' : 'rollBack');
    else if (chance < 0.006) this.#roll(name, view, service);
    else if (chance < 0.01) {
      const lastGood = view.lastGood.get(service);
      this.#recall(this.#world.random() < 0.5 && lastGood ? lastGood : assignment.release.digest);
    }
  }

  #chance(share: number): boolean {
    return this.isCalm || this.#world.random() < share;
  }

  #turn(view: NodeView, plan: Plan, phase: Assignment['phase']): void {
    plan.assignment = { ...plan.assignment, phase };
    plan.since = this.#world.time;
    view.generation++;
  }

  #recall(release: Digest): void {
    this.recalled.add(release);
    for (const view of this.#nodes.values()) view.generation++;
  }

  /** The next attempt of the same release where it may yet do, else a new release. */
  #roll(name: Name, view: NodeView, service: Name): void {
    const old = view.plans.get(service)?.assignment;
    const nature = old && this.nature.get(old.release.digest);
    const again = old && nature === 'good' && !this.recalled.has(old.release.digest) && this.#chance(0.5);
    const lastGood = view.lastGood.get(service) ?? null;
    const active = view.active.get(service) ?? null;
    const wanted = this.#world.random() < 0.5 ? active : lastGood;
    const target = wanted !== null && !this.recalled.has(wanted) ? wanted : null;
    const rest = { service, node: name, from: active, rollbackTarget: target };
    const phase = this.#chance(0.5) ? 'proceed' : 'prepare';
    const assignment = again
      ? { ...old, ...rest, attempt: old.attempt + 1, id: assignmentId(old.rollout, name, old.attempt + 1), phase }
      : this.#assign(rest, phase);
    const { node: _, ...made } = assignment as Assignment & { readonly node?: Name };
    view.plans.set(service, { assignment: made as Assignment, status: null, since: this.#world.time });
    view.generation++;
  }

  /** A new release: of a model of its own, or of one that another release has brought, of whatever service. */
  #assign(rest: AssignmentSketch, phase: Assignment['phase']): Assignment {
    const made = anAssignment({ ...rest, phase, number: ++this.#number });
    const isGood = this.isCalm || this.#world.random() < 0.5;
    const nature = isGood ? 'good' : NATURES[between(this.#world, 0, NATURES.length)]!;
    this.nature.set(made.release.digest, nature);
    if (nature === 'notLoadable') return made;
    const known = this.#weights[between(this.#world, 0, this.#weights.length)];
    if (known !== undefined && this.#world.random() < 0.4)
      return { ...made, variant: { ...made.variant, artifact: known } };
    this.#weights.push(made.variant.artifact);
    return made;
  }
}
