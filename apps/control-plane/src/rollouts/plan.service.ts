import { Inject, Injectable } from '@nestjs/common';
import { Refusal, type Digest, type Me, type Plan, type PlanRequest, type StartRequest } from '@openward/contracts';
import type { Repositories } from '@openward/persistence';
import { diffPlans, plan, type PlanFacts, type PlanRefusal, type RunnablePlan } from '@openward/rollout';
import { mayDo } from '../http/permissions.ts';
import { refuseRetired } from '../models/retired.ts';
import { CONTEXT, type Context } from '../process/context.ts';

/** A name that no person's or token's key can have, since theirs begin with a name. */
const PLAN_KEY = '#plan ';
const keyOf = (hash: Digest): string => `${PLAN_KEY}${hash}`;
const PLANS_KEPT = 1000;

class NeverPlanned extends Error {}

@Injectable()
export class PlanService {
  constructor(@Inject(CONTEXT) private readonly context: Context) {}

  /**
   * The plan is kept by its hash for whoever could start it, so that the start can tell what has changed since (R1). As long as
   * answers are, and no more of them than a bound: an auditor's dry run leaves nothing behind.
   */
  async plan(request: PlanRequest, by: Me): Promise<Plan> {
    const { store } = this.context;
    const made = planOf(request, await factsOf(store, request));
    if (!mayDo(by.role, 'rollouts:write')) return made;
    const { kind } = await store.idempotency.once(keyOf(made.hash), made.hash, () => Promise.resolve(made));
    if (kind === 'first') await store.idempotency.keepNewest(PLAN_KEY, PLANS_KEPT);
    return made;
  }

  /** What runs is what was approved, less the nodes that no longer run what they ran then. */
  async runnable(
    repositories: Repositories,
    { plan: request, approvedHash }: StartRequest,
  ): Promise<{ readonly run: RunnablePlan; readonly facts: PlanFacts }> {
    const facts = await factsOf(repositories, request);
    const fresh = plan(request, facts);
    const approved =
      'hash' in fresh && fresh.hash === approvedHash ? fresh : await approvedPlan(repositories, approvedHash);
    if (!('hash' in fresh)) throw refusalOf(fresh);
    if (approved === null) {
      const why = `No plan with the hash ${approvedHash} was made here lately, and the plan has the hash ${fresh.hash} now.`;
      throw new Refusal('planStale', why, { details: { hash: fresh.hash } });
    }
    const run = diffPlans(approved, fresh);
    if (run.kind === 'refused') throw refusalOf(run);
    return { run, facts };
  }
}

/** Null where it is not kept: then the row that this tried to make is rolled back by the refusal that follows. */
async function approvedPlan({ idempotency }: Repositories, hash: Digest): Promise<Plan | null> {
  try {
    const kept = await idempotency.once<Plan>(keyOf(hash), hash, () => Promise.reject(new NeverPlanned()));
    return kept.kind === 'reused' ? null : kept.answer;
  } catch (error) {
    if (error instanceof NeverPlanned) return null;
    throw error;
  }
}

export function planOf(request: PlanRequest, facts: PlanFacts): Plan {
  const made = plan(request, facts);
  if ('hash' in made) return made;
  throw refusalOf(made);
}

async function factsOf(repositories: Repositories, request: PlanRequest): Promise<PlanFacts> {
  const facts = await repositories.planFacts(request.service, request.release);
  if (facts === null) throw new Refusal('notFound', `There is no release ${request.release} of ${request.service}.`);
  await refuseRetired(repositories, facts.release.document.model);
  return facts;
}

export const refusalOf = ({ code, why, details }: PlanRefusal): Refusal => new Refusal(code, `${why}.`, { details });
