import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { AuditEntry, page, PageQuery } from '@openward/contracts';
import { z } from 'zod';
import { Route } from '../http/route.ts';
import { CONTEXT, type Context } from '../process/context.ts';

const AuditQuery = PageQuery.extend({ subject: z.string().max(200).optional() });

@ApiTags('audit')
@Controller('api/v1/audit')
export class AuditController {
  constructor(@Inject(CONTEXT) private readonly context: Context) {}

  @Get()
  @Route({ does: 'What was decided, by whom, the newest first', right: 'audit:read', answers: page(AuditEntry) })
  list(@Query({ schema: AuditQuery }) { subject, ...query }: z.output<typeof AuditQuery>) {
    return this.context.store.audit.list(query, subject === undefined ? {} : { subject });
  }
}
