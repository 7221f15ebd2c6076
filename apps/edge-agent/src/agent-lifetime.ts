import type { OnApplicationShutdown } from '@nestjs/common';
import type { Telemetry } from '@openward/observability';
import type { Agent } from './agent.ts';

/** A collector that does not answer holds up no end. */
const COLLECTOR_PATIENCE_MS = 2_000;

/** Ties the agent to the process: on SIGTERM what is in flight ends, what was measured goes out, and what is durable stays. */
export class AgentLifetime implements OnApplicationShutdown {
  readonly #agent: Pick<Agent, 'stop'>;
  readonly #telemetry: Pick<Telemetry, 'stop'>;
  readonly #patienceMs: number;

  constructor(agent: Pick<Agent, 'stop'>, telemetry: Pick<Telemetry, 'stop'>, patienceMs = COLLECTOR_PATIENCE_MS) {
    this.#agent = agent;
    this.#telemetry = telemetry;
    this.#patienceMs = patienceMs;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#agent.stop();
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, this.#patienceMs);
    await Promise.race([this.#telemetry.stop().catch(() => undefined), late.promise]);
    clearTimeout(timer);
  }
}
