import { Body, Controller, Delete, Get, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { AccessTokenView, CreateAccessToken, CreatedAccessToken, Me, Name, page, PageQuery } from '@openward/contracts';
import type { z } from 'zod';
import { Caller } from '../http/caller.ts';
import { Creating, type Creation } from '../http/idempotency.ts';
import { Route } from '../http/route.ts';
import { AccessService } from './access.service.ts';

@ApiTags('access')
@Controller('api/v1')
export class AccessController {
  constructor(@Inject(AccessService) private readonly access: AccessService) {}

  @Get('me')
  @Route({ does: 'Who calls', right: 'self:read', answers: Me })
  me(@Caller() caller: Me): Me {
    return { name: caller.name, role: caller.role };
  }

  @Post('access-tokens')
  @Route({
    does: 'Make an access token; it is shown once',
    right: 'tokens:write',
    status: 201,
    answers: CreatedAccessToken,
    creates: true,
  })
  create(
    @Body({ schema: CreateAccessToken }) body: z.output<typeof CreateAccessToken>,
    @Creating() creation: Creation,
  ) {
    return this.access.create(body, creation);
  }

  @Get('access-tokens')
  @Route({ does: 'List access tokens, by name', right: 'tokens:write', answers: page(AccessTokenView) })
  list(@Query({ schema: PageQuery }) query: PageQuery) {
    return this.access.list(query);
  }

  @Delete('access-tokens/:name')
  @Route({ does: 'Revoke an access token', right: 'tokens:write', status: 204, answers: 'none' })
  async revoke(@Param('name', { schema: Name }) name: string, @Caller() caller: Me): Promise<void> {
    await this.access.revoke(name, caller);
  }
}
