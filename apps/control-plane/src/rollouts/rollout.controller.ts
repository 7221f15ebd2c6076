import { Body, Controller, Get, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  AbortRollout,
  Me,
  Name,
  page,
  PageQuery,
  PauseRollout,
  Plan,
  PlanRequest,
  Reason,
  ResumeRollout,
  RetryNode,
  RolloutEvidence,
  RolloutId,
  RolloutRow,
  RolloutView,
  StartRequest,
  WaiveGate,
} from '@openward/contracts';
import { z } from 'zod';
import { Caller } from '../http/caller.ts';
import { Creating, type Creation } from '../http/idempotency.ts';
import { Route } from '../http/route.ts';
import { PlanService } from './plan.service.ts';
import { RolloutService } from './rollout.service.ts';

const RolloutsQuery = PageQuery.extend({
  service: Name.optional(),
  /** Whether it has not ended. */
  open: z.enum(['true', 'false']).optional(),
  /** With `true`, those alone that have ended and still await a node, which is late or owes a way back; a page may be short. */
  unsettled: z.enum(['true']).optional(),
});
type RolloutsQuery = z.output<typeof RolloutsQuery>;

@ApiTags('rollouts')
@Controller('api/v1/rollouts')
export class RolloutController {
  constructor(
    @Inject(RolloutService) private readonly rollouts: RolloutService,
    @Inject(PlanService) private readonly plans: PlanService,
  ) {}

  @Post('plan')
  @Route({ does: 'Plan a rollout, and change nothing (R1)', right: 'rollouts:read', answers: Plan })
  plan(@Body({ schema: PlanRequest }) body: PlanRequest, @Caller() caller: Me): Promise<Plan> {
    return this.plans.plan(body, caller);
  }

  @Post()
  @Route({
    does: 'Start the plan that was approved by its hash',
    right: 'rollouts:write',
    status: 201,
    answers: RolloutView,
    creates: true,
  })
  start(@Body({ schema: StartRequest }) body: StartRequest, @Creating() creation: Creation): Promise<RolloutView> {
    return this.rollouts.start(body, creation);
  }

  @Get()
  @Route({
    does: 'List rollouts without their nodes, the newest first',
    right: 'rollouts:read',
    answers: page(RolloutRow),
  })
  list(@Query({ schema: RolloutsQuery }) query: RolloutsQuery) {
    return this.rollouts.list(query);
  }

  @Get(':id')
  @Route({
    does: 'Show a rollout: waves, nodes, and what anything waits for',
    right: 'rollouts:read',
    answers: RolloutView,
  })
  get(@Param('id', { schema: RolloutId }) id: string): Promise<RolloutView> {
    return this.rollouts.get(id);
  }

  @Get(':id/plan')
  @Route({ does: 'Show the plan as it runs', right: 'rollouts:read', answers: Plan })
  planOf(@Param('id', { schema: RolloutId }) id: string): Promise<Plan> {
    return this.rollouts.planOf(id);
  }

  @Get(':id/evidence')
  @Route({ does: 'What nodes reported to the activation gate', right: 'rollouts:read', answers: RolloutEvidence })
  evidence(@Param('id', { schema: RolloutId }) id: string) {
    return this.rollouts.evidenceOf(id);
  }

  @Post(':id/pause')
  @Route({ does: 'No new permit; what began ends', right: 'rollouts:write', answers: RolloutView, takesAway: true })
  pause(
    @Param('id', { schema: RolloutId }) id: string,
    @Body({ schema: PauseRollout }) body: PauseRollout,
    @Caller() caller: Me,
  ): Promise<RolloutView> {
    return this.rollouts.command(id, { kind: 'pause', by: caller.name, detail: body.reason ?? null });
  }

  @Post(':id/resume')
  @Route({ does: 'Lift the pauses of persons', right: 'rollouts:write', answers: RolloutView })
  resume(
    @Param('id', { schema: RolloutId }) id: string,
    @Body({ schema: ResumeRollout }) body: ResumeRollout,
    @Caller() caller: Me,
  ): Promise<RolloutView> {
    const codes = body.harm ? (['byAdmin', 'harmNotice'] as const) : (['byAdmin'] as const);
    return this.rollouts.command(id, { kind: 'resume', by: caller.name, codes });
  }

  @Post(':id/abort')
  @Route({
    does: 'Withdraw permits and what is staged; active nodes stay',
    right: 'rollouts:write',
    answers: RolloutView,
    takesAway: true,
  })
  abort(
    @Param('id', { schema: RolloutId }) id: string,
    @Body({ schema: AbortRollout }) _body: object,
    @Caller() caller: Me,
  ): Promise<RolloutView> {
    return this.rollouts.command(id, { kind: 'abort', by: caller.name });
  }

  @Post(':id/rollback')
  @Route({
    does: 'Abort, and take back every node that took the release',
    right: 'rollouts:write',
    answers: RolloutView,
    takesAway: true,
  })
  rollBack(
    @Param('id', { schema: RolloutId }) id: string,
    @Body({ schema: Reason }) body: Reason,
    @Caller() caller: Me,
  ): Promise<RolloutView> {
    return this.rollouts.command(id, { kind: 'rollBack', by: caller.name, reason: body.reason });
  }

  @Post(':id/retry')
  @Route({
    does: 'Give a node whose attempt has ended another one (N3)',
    right: 'rollouts:write',
    answers: RolloutView,
  })
  retry(
    @Param('id', { schema: RolloutId }) id: string,
    @Body({ schema: RetryNode }) body: RetryNode,
    @Caller() caller: Me,
  ): Promise<RolloutView> {
    return this.rollouts.command(id, { kind: 'retry', by: caller.name, node: body.node });
  }

  @Post(':id/waive')
  @Route({
    does: 'Let an inconclusive wave gate pass, for a reason that is kept (R8)',
    right: 'rollouts:write',
    answers: RolloutView,
  })
  waive(
    @Param('id', { schema: RolloutId }) id: string,
    @Body({ schema: WaiveGate }) body: WaiveGate,
    @Caller() caller: Me,
  ): Promise<RolloutView> {
    return this.rollouts.command(id, { kind: 'waive', by: caller.name, wave: body.wave, reason: body.reason });
  }
}
