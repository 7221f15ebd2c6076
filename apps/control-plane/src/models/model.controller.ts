import { Body, Controller, Get, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Me, ModelView, Name, page, PageQuery, Reason, RegisterVariant, Version } from '@openward/contracts';
import { Caller } from '../http/caller.ts';
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

  @Post(':name/versions/:version/retire')
  @Route({
    does: 'Retire a model version that nothing stands on: no release names it from then on, and its bytes may go (D7)',
    right: 'registry:write',
    answers: ModelView,
  })
  retire(
    @Param('name', { schema: Name }) name: string,
    @Param('version', { schema: Version }) version: string,
    @Body({ schema: Reason }) body: Reason,
    @Caller() caller: Me,
  ): Promise<ModelView> {
    return this.models.retire(name, version, caller, body.reason);
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
