import { Body, Controller, Get, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ModelView, Name, page, PageQuery, RegisterVariant, Version } from '@openward/contracts';
import { Creating, type Creation } from '../http/idempotency.ts';
import { Route } from '../http/route.ts';
import { ModelService } from './model.service.ts';

const ModelsQuery = PageQuery.extend({ name: Name.optional() });

@ApiTags('models')
@Controller('api/v1/models')
export class ModelController {
  constructor(@Inject(ModelService) private readonly models: ModelService) {}

  @Post(':name/versions/:version/variants')
  @Route({
    does: 'Register a variant of a model version, whose pieces have all been uploaded; immutable from then on',
    right: 'registry:write',
    status: 201,
    answers: ModelView,
    creates: true,
  })
  register(
    @Param('name', { schema: Name }) name: string,
    @Param('version', { schema: Version }) version: string,
    @Body({ schema: RegisterVariant }) body: RegisterVariant,
    @Creating() creation: Creation,
  ): Promise<ModelView> {
    return this.models.register(name, version, body, creation);
  }

  @Get()
  @Route({ does: 'List model versions, by name and version', right: 'registry:read', answers: page(ModelView) })
  list(@Query({ schema: ModelsQuery }) query: PageQuery & { name?: string | undefined }) {
    return this.models.list(query);
  }

  @Get(':name/versions/:version')
  @Route({ does: 'Show a model version with its variants', right: 'registry:read', answers: ModelView })
  get(
    @Param('name', { schema: Name }) name: string,
    @Param('version', { schema: Version }) version: string,
  ): Promise<ModelView> {
    return this.models.get(name, version);
  }
}
