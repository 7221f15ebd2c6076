import { Body, Controller, Get, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CreatedToken, CreateSite, CreateToken, Name, page, PageQuery, SiteView, TokenView } from '@openward/contracts';
import type { z } from 'zod';
import { Creating, type Creation } from '../http/idempotency.ts';
import { Route } from '../http/route.ts';
import { SiteService } from './site.service.ts';

@ApiTags('sites')
@Controller('api/v1/sites')
export class SiteController {
  constructor(@Inject(SiteService) private readonly sites: SiteService) {}

  @Post()
  @Route({ does: 'Make a site', right: 'sites:write', status: 201, answers: SiteView, creates: true })
  create(
    @Body({ schema: CreateSite }) body: z.output<typeof CreateSite>,
    @Creating() creation: Creation,
  ): Promise<SiteView> {
    return this.sites.create(body, creation);
  }

  @Get()
  @Route({ does: 'List sites, by name', right: 'sites:read', answers: page(SiteView) })
  list(@Query({ schema: PageQuery }) query: PageQuery) {
    return this.sites.list(query);
  }

  @Get(':site')
  @Route({ does: 'Show a site', right: 'sites:read', answers: SiteView })
  get(@Param('site', { schema: Name }) site: string): Promise<SiteView> {
    return this.sites.get(site);
  }

  @Post(':site/tokens')
  @Route({
    does: 'Make an enrolment token for one node of a site; it is shown once',
    right: 'sites:write',
    status: 201,
    answers: CreatedToken,
    creates: true,
  })
  createToken(
    @Param('site', { schema: Name }) site: string,
    @Body({ schema: CreateToken }) body: z.output<typeof CreateToken>,
    @Creating() creation: Creation,
  ): Promise<CreatedToken> {
    return this.sites.createToken(site, body.lifetimeMinutes, creation);
  }

  @Get(':site/tokens')
  @Route({
    does: "List a site's enrolment tokens, without their secrets",
    right: 'sites:read',
    answers: page(TokenView),
  })
  listTokens(@Param('site', { schema: Name }) site: string, @Query({ schema: PageQuery }) query: PageQuery) {
    return this.sites.listTokens(site, query);
  }
}
