import { Body, Controller, Get, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  CreateRelease,
  Me,
  Name,
  page,
  PageQuery,
  Reason,
  RecallEffect,
  ReleaseRow,
  ReleaseView,
} from '@openward/contracts';
import type { Response } from 'express';
import { z } from 'zod';
import { Caller } from '../http/caller.ts';
import { Creating, type Creation } from '../http/idempotency.ts';
import { Route } from '../http/route.ts';
import { ReleaseService } from './release.service.ts';

const ReleasesQuery = PageQuery.extend({ service: Name });
const ReleaseNumber = z.coerce.number().int().min(1);

@ApiTags('releases')
@Controller('api/v1/releases')
export class ReleaseController {
  constructor(@Inject(ReleaseService) private readonly releases: ReleaseService) {}

  @Post()
  @Route({
    does: 'Make the next release of a service: model version, prompt policy and suite, bound together; 200 with the release that binds the same already',
    right: 'registry:write',
    status: 201,
    answers: ReleaseView,
    creates: true,
    mayBeThere: true,
  })
  async create(
    @Body({ schema: CreateRelease }) body: CreateRelease,
    @Creating() creation: Creation,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ReleaseView> {
    const { release, isNew } = await this.releases.create(body, creation);
    if (!isNew) response.status(200);
    return release;
  }

  @Get()
  @Route({
    does: 'List the releases of a service by what they bind, the newest first',
    right: 'registry:read',
    answers: page(ReleaseRow),
  })
  list(@Query({ schema: ReleasesQuery }) query: PageQuery & { service: string }) {
    return this.releases.list(query);
  }

  @Get(':service/:number')
  @Route({ does: 'Show a release, with its whole document', right: 'registry:read', answers: ReleaseView })
  get(
    @Param('service', { schema: Name }) service: string,
    @Param('number', { schema: ReleaseNumber }) number: number,
  ): Promise<ReleaseView> {
    return this.releases.get(service, number);
  }

  @Get(':service/:number/recall')
  @Route({
    does: 'What a recall would leave: the nodes that would have nothing to serve; changes nothing',
    right: 'registry:read',
    answers: RecallEffect,
  })
  recallEffect(
    @Param('service', { schema: Name }) service: string,
    @Param('number', { schema: ReleaseNumber }) number: number,
  ): Promise<RecallEffect> {
    return this.releases.recallEffect(service, number);
  }

  @Post(':service/:number/recall')
  @Route({
    does: 'Recall a release: it is never selected again, anywhere',
    right: 'rollouts:write',
    answers: ReleaseView,
    takesAway: true,
  })
  recall(
    @Param('service', { schema: Name }) service: string,
    @Param('number', { schema: ReleaseNumber }) number: number,
    @Body({ schema: Reason }) body: Reason,
    @Caller() caller: Me,
  ): Promise<ReleaseView> {
    return this.releases.recall(service, number, caller, body.reason);
  }
}
