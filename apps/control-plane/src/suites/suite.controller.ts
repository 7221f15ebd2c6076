import { Body, Controller, Get, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CreateSuite, Name, page, PageQuery, SuiteDocument, SuiteView, WholeSuite } from '@openward/contracts';
import { z } from 'zod';
import { Creating, type Creation } from '../http/idempotency.ts';
import { Route } from '../http/route.ts';
import { SuiteService } from './suite.service.ts';

const SuitesQuery = PageQuery.extend({ service: Name.optional() });
const SuiteVersion = z.coerce.number().int().min(1);

@ApiTags('suites')
@Controller('api/v1/suites')
export class SuiteController {
  constructor(@Inject(SuiteService) private readonly suites: SuiteService) {}

  @Post()
  @Route({
    does: 'Make an evaluation suite version; immutable from then on',
    right: 'registry:write',
    status: 201,
    answers: SuiteView,
    creates: true,
  })
  create(@Body({ schema: CreateSuite }) body: SuiteDocument, @Creating() creation: Creation): Promise<SuiteView> {
    return this.suites.create(body, creation);
  }

  @Get()
  @Route({ does: 'List suites, by name, the newest version first', right: 'registry:read', answers: page(SuiteView) })
  list(@Query({ schema: SuitesQuery }) query: PageQuery & { service?: string | undefined }) {
    return this.suites.list(query);
  }

  @Get(':name/versions/:version')
  @Route({ does: 'Show a suite with its items and gates', right: 'registry:read', answers: WholeSuite })
  get(@Param('name', { schema: Name }) name: string, @Param('version', { schema: SuiteVersion }) version: number) {
    return this.suites.get(name, version);
  }
}
