import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Agent } from './agent.ts';

/** Ties the agent to the process: on SIGTERM what is in flight ends, and what is durable stays. */
@Injectable()
export class AgentLifetime implements OnApplicationShutdown {
  constructor(private readonly agent: Agent) {}

  onApplicationShutdown(): Promise<void> {
    return this.agent.stop();
  }
}
