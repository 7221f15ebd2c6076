import { Body, Controller, Get, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CreateService, Name, page, PageQuery, ServiceView, type Service } from '@openward/contracts';
import { Creating, type Creation } from '../http/idempotency.ts';
import { Route } from '../http/route.ts';
import { ServiceService } from './service.service.ts';

@ApiTags('services')
@Controller('api/v1/services')
export class ServiceController {
  constructor(@Inject(ServiceService) private readonly services: ServiceService) {}

  @Post()
  @Route({ does: 'Make a service', right: 'registry:write', status: 201, answers: ServiceView, creates: true })
  create(@Body({ schema: CreateService }) body: Service, @Creating() creation: Creation): Promise<ServiceView> {
    return this.services.create(body, creation);
  }

  @Get()
  @Route({ does: 'List services, by name', right: 'registry:read', answers: page(ServiceView) })
  list(@Query({ schema: PageQuery }) query: PageQuery) {
    return this.services.list(query);
  }

  @Get(':service')
  @Route({ does: 'Show a service', right: 'registry:read', answers: ServiceView })
  get(@Param('service', { schema: Name }) name: string): Promise<ServiceView> {
    return this.services.get(name);
  }
}
