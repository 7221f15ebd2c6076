import type { Name } from '@openward/contracts';
import type { StopWhy } from '../events.ts';
import { type Held, isSame } from '../model.ts';
import type { Prober, Serving } from '../ports.ts';
import type { Life } from './life.ts';
import type { SimulatedRuntime } from './simulated-runtime.ts';
import { between } from './world.ts';

export interface GatewayBehaviour {
  /** Called at the moment of the switch, before it is made. */
  readonly switching?: (service: Name, held: Held) => void;
  readonly probing?: (service: Name, held: Held) => 'ok' | 'failed' | 'timedOut';
  readonly judging?: (service: Name, held: Held) => 'ok' | 'over' | 'tooFewRequests';
}

/** Which release answers a service's callers, if any does. Gone with its machine. */
export class SimulatedGateway {
  readonly served = new Map<Name, Held>();
  readonly stopped = new Map<Name, StopWhy>();
  readonly #runtime: SimulatedRuntime;

  constructor(runtime: SimulatedRuntime) {
    this.#runtime = runtime;
  }

  crash(): void {
    this.served.clear();
    this.stopped.clear();
  }

  serving(life: Life, behaviour: GatewayBehaviour = {}): Serving {
    const { world } = life;
    return {
      switchTo: (service, held) =>
        life.answer(between(world, 1, 10), () => {
          // A process may end at any moment, also in the midst of this.
          if (this.#runtime.lost.has(held.key)) throw new Error(`the runtime of ${held.key} has just exited`);
          if (!this.#runtime.loaded.has(held.key)) throw new Error(`switched to ${held.key}, which is not loaded`);
          behaviour.switching?.(service, held);
          this.stopped.delete(service);
          this.served.set(service, held);
        }),
      stop: (service, why) =>
        life.answer(between(world, 0, 3), () => {
          this.served.delete(service);
          this.stopped.set(service, why);
        }),
      drain: () => life.answer(between(world, 1, 500), () => undefined),
      judge: (service, held) => life.answer(1, () => behaviour.judging?.(service, held) ?? 'ok'),
    };
  }

  prober(life: Life, behaviour: GatewayBehaviour = {}): Prober {
    return {
      probe: (service, held, _timeoutMs, signal) =>
        life.answer(
          between(life.world, 5, 300),
          () => {
            if (!isSame(this.served.get(service), held) || !this.#runtime.loaded.has(held.key)) return 'failed';
            return behaviour.probing?.(service, held) ?? 'ok';
          },
          signal,
        ),
    };
  }
}
