import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import type { Telemetry } from '@openward/observability';
import { Agent } from './agent.ts';
import { AgentLifetime } from './agent-lifetime.ts';
import { checkedInput } from './local/checked-input.ts';
import { NodeController } from './local/node.controller.ts';
import { PolicyController } from './local/policy.controller.ts';
import { RefusalFilter } from './local/refusal.filter.ts';

@Module({})
export class AppModule {
  static of(agent: Agent, telemetry: Telemetry): DynamicModule {
    return {
      module: AppModule,
      controllers: [NodeController, PolicyController],
      providers: [
        { provide: Agent, useValue: agent },
        { provide: AgentLifetime, useValue: new AgentLifetime(agent, telemetry) },
        { provide: APP_PIPE, useFactory: checkedInput },
        { provide: APP_FILTER, useValue: new RefusalFilter(agent.log) },
      ],
    };
  }
}
