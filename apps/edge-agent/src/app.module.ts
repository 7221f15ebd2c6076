import { Module, StandardSchemaValidationPipe, type DynamicModule } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { Agent } from './agent.ts';
import { AgentLifetime } from './agent-lifetime.ts';
import { NodeController } from './local/node.controller.ts';
import { PolicyController } from './local/policy.controller.ts';
import { RefusalFilter } from './local/refusal.filter.ts';

@Module({})
export class AppModule {
  static of(agent: Agent): DynamicModule {
    return {
      module: AppModule,
      controllers: [NodeController, PolicyController],
      providers: [
        { provide: Agent, useValue: agent },
        AgentLifetime,
        { provide: APP_PIPE, useClass: StandardSchemaValidationPipe },
        { provide: APP_FILTER, useValue: new RefusalFilter(agent.log) },
      ],
    };
  }
}
