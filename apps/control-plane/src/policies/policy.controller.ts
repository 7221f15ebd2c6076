import { Body, Controller, Get, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CreatePolicy, Name, page, PageQuery, PolicyDiffView, PolicyView, WholePolicy } from '@openward/contracts';
import type { PolicyDiff } from '@openward/policy';
import { z } from 'zod';
import { toldOnly } from '../http/checked.ts';
import { Creating, type Creation } from '../http/idempotency.ts';
import { Route } from '../http/route.ts';
import { PolicyService } from './policy.service.ts';

const PoliciesQuery = PageQuery.extend({ id: Name.optional() });
const Revision = z.coerce.number().int().min(1).max(2_147_483_647);

@ApiTags('policies')
@Controller('api/v1/policies')
export class PolicyController {
  constructor(@Inject(PolicyService) private readonly policies: PolicyService) {}

  @Post()
  @Route({
    does: 'Register a revision of a prompt policy; immutable from then on, and revisions only grow',
    right: 'registry:write',
    status: 201,
    answers: PolicyView,
    creates: true,
  })
  create(@Body({ schema: toldOnly(CreatePolicy) }) body: unknown, @Creating() creation: Creation): Promise<PolicyView> {
    return this.policies.create(body, creation);
  }

  @Get()
  @Route({
    does: 'List policies, by id, the newest revision first',
    right: 'registry:read',
    answers: page(PolicyView),
  })
  list(@Query({ schema: PoliciesQuery }) query: PageQuery & { id?: string | undefined }) {
    return this.policies.list(query);
  }

  @Get(':id/:revision')
  @Route({ does: 'Show a policy with its texts, rules and tests', right: 'registry:read', answers: WholePolicy })
  get(
    @Param('id', { schema: Name }) id: string,
    @Param('revision', { schema: Revision }) revision: number,
  ): Promise<WholePolicy> {
    return this.policies.get({ id, revision });
  }

  @Get(':id/:revision/diff/:other')
  @Route({
    does: 'Show what another revision changes: texts line by line, rules field by field, and the class of the change',
    right: 'registry:read',
    answers: PolicyDiffView,
  })
  diff(
    @Param('id', { schema: Name }) id: string,
    @Param('revision', { schema: Revision }) revision: number,
    @Param('other', { schema: Revision }) other: number,
  ): Promise<PolicyDiff> {
    return this.policies.diff({ id, revision }, { id, revision: other });
  }
}
