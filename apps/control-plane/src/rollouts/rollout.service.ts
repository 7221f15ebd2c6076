import { Inject, Injectable } from '@nestjs/common';
import {
  Refusal,
  type Name,
  type Page,
  type Plan,
  type RolloutId,
  type RolloutView,
  type StartRequest,
} from '@openward/contracts';
import type { StoredEvidence, StoredRollout } from '@openward/persistence';
import { command, offerOf, start, viewOf, type Command, type CommandOutcome } from '@openward/rollout';
import { artifactsOf, ChunkPublisher } from '../delivery/chunk-publisher.ts';
import { engineSettings } from '../delivery/engine-settings.ts';
import { once, type Creation } from '../http/idempotency.ts';
import { CONTEXT, type Context } from '../process/context.ts';
import { randomName } from '../process/ports.ts';
import { PlanService, refusalOf } from './plan.service.ts';

export interface ListQuery {
  readonly limit: number;
  readonly after?: string | undefined;
  readonly service?: Name | undefined;
  readonly open?: 'true' | 'false' | undefined;
  readonly unsettled?: 'true' | undefined;
}

@Injectable()
export class RolloutService {
  constructor(
    @Inject(CONTEXT) private readonly context: Context,
    @Inject(PlanService) private readonly plans: PlanService,
    @Inject(ChunkPublisher) private readonly chunks: ChunkPublisher,
  ) {}

  /** R1, R5: planned again, compared with what was approved, and begun, in one transaction. */
  async start(asked: StartRequest, creation: Creation): Promise<RolloutView> {
    const { store, config, wakes } = this.context;
    const id = await once(store, creation, async (repositories) => {
      const { run, facts } = await this.plans.runnable(repositories, asked);
      const order = {
        id: `ro-${randomName(12)}`,
        by: creation.by.name,
        plan: run.plan,
        offer: offerOf(facts),
        supersede: asked.supersede,
      };
      const done = await start(repositories.rolloutStore, asked.plan.service, order, engineSettings(config));
      if (done.kind === 'refused') throw refusalOf(done);
      return done.id;
    });
    const stored = await this.find(id);
    this.chunks.publish(artifactsOf(stored.state));
    wakes.relay.wake();
    return this.view(stored);
  }

  async list({ service, open, unsettled, limit, after }: ListQuery): Promise<Page<Omit<RolloutView, 'nodes'>>> {
    const query = { limit, ...(after === undefined ? {} : { after }) };
    const of = {
      ...(service === undefined ? {} : { service }),
      ...(open === undefined ? {} : { ended: open === 'false' }),
      ...(unsettled === undefined ? {} : { open: true, ended: true }),
    };
    const { items, next } = await this.context.store.rollouts.list(query, of);
    const rows = items.map((stored) => {
      const { nodes: _nodes, ...row } = viewOf(stored.state, stored.version, stored.now);
      return row;
    });
    return { items: unsettled === undefined ? rows : rows.filter(({ awaited }) => awaited > 0), next };
  }

  async get(id: RolloutId): Promise<RolloutView> {
    return this.view(await this.find(id));
  }

  async planOf(id: RolloutId): Promise<Plan> {
    const plan = await this.context.store.rollouts.plan(id);
    if (plan === null) throw unknown(id);
    return plan;
  }

  async evidenceOf(id: RolloutId): Promise<{ readonly items: readonly StoredEvidence[] }> {
    await this.planOf(id);
    return { items: await this.context.store.rollouts.evidence(id) };
  }

  async command(id: RolloutId, asked: Command): Promise<RolloutView> {
    const { store, config, wakes } = this.context;
    const done = await command(store.rolloutStore, id, asked, engineSettings(config));
    if (done.kind === 'refused') throw refusedCommand(asked, id, done);
    wakes.relay.wake();
    wakes.ticks.wake();
    return this.get(id);
  }

  private async view({ state, version, now }: StoredRollout): Promise<RolloutView> {
    return viewOf(state, version, now, await this.context.store.nodeLinks.outOfReach());
  }

  private async find(id: RolloutId): Promise<StoredRollout> {
    const stored = await this.context.store.rollouts.find(id);
    if (stored === null) throw unknown(id);
    return stored;
  }
}

const unknown = (id: RolloutId): Refusal => new Refusal('notFound', `There is no rollout ${id}.`);

const PLAN_ANEW =
  'A rollout that has ended is not taken up again: plan anew (`openward rollouts plan`). `openward rollouts watch` shows when one that is going back has ended.';

function refusedCommand(
  asked: Command,
  id: RolloutId,
  { code, why }: Extract<CommandOutcome, { kind: 'refused' }>,
): Refusal {
  if (code === 'notFound') return unknown(id);
  if (code === 'readOnly') return new Refusal('readOnly', `${id}: ${why}.`);
  const kind = asked.kind === 'waive' && code === 'waveNotInconclusive' ? 'waiverRefused' : 'rolloutRefused';
  return new Refusal(kind, `${id}: ${why}.`, { details: { code }, ...(code === 'notRunning' && { next: PLAN_ANEW }) });
}
