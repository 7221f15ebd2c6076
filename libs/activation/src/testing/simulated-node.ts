import type { EvidenceBody, Log, Name, PermitReply } from '@openward/contracts';
import type { Durable } from '../model.ts';
import type { Entry } from '../journal.ts';
import type { Permits, Ports, StatePart } from '../ports.ts';
import { type Reconciler, startReconciler } from '../reconciler.driver.ts';
import { Life } from './life.ts';
import { MemoryJournal } from './memory-journal.ts';
import { type DiskBehaviour, SimulatedDisk } from './simulated-disk.ts';
import { simulatedEvaluate } from './simulated-evaluate.ts';
import { type GatewayBehaviour, SimulatedGateway } from './simulated-gateway.ts';
import { SimulatedRuntime } from './simulated-runtime.ts';
import { between, type SimulatedWorld } from './world.ts';

export interface NodeSurroundings extends DiskBehaviour, GatewayBehaviour {
  readonly world: SimulatedWorld;
  /** Sends a question; the answer comes back through `reply`, once, late or never. */
  readonly askPermit: (
    node: Name,
    question: Parameters<Permits['ask']>[0],
    reply: (answer: PermitReply) => void,
  ) => void;
  readonly tellState: (node: Name, part: StatePart) => void;
  readonly tellEvidence: (node: Name, body: EvidenceBody) => void;
  readonly judgingGate?: Parameters<typeof simulatedEvaluate>[1];
  readonly loading?: Parameters<SimulatedRuntime['port']>[1];
  readonly unloading?: Parameters<SimulatedRuntime['port']>[2];
  /** Called at each durable step, and at each act on gateway or runtime: a good moment to die. */
  readonly near?: (node: SimulatedNode, entry: Entry | null) => void;
  readonly start?: typeof startReconciler;
  /** The loop has ended by itself. Where nobody listens, that is an error of the simulation. */
  readonly ended?: (error: unknown) => void;
}

const SILENT: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** One machine: its disks outlive it, its processes do not. */
export class SimulatedNode {
  readonly name: Name;
  readonly journal = new MemoryJournal();
  readonly disk = new SimulatedDisk();
  readonly runtime = new SimulatedRuntime();
  readonly gateway = new SimulatedGateway(this.runtime);
  reconciler: Reconciler | null = null;
  boots = 0;
  /** How far its wall clock has leapt while its monotonic one stood still. */
  asleepMs = 0;
  readonly #surroundings: NodeSurroundings;
  #life: Life;

  constructor(name: Name, surroundings: NodeSurroundings) {
    this.name = name;
    this.#surroundings = surroundings;
    this.#life = new Life(surroundings.world);
    this.#life.isOver = true;
  }

  get isUp(): boolean {
    return !this.#life.isOver;
  }

  /** What a restart at this moment would find at least. */
  known(): Durable {
    return this.journal.known;
  }

  wall(): number {
    return 1_767_225_600_000 + this.#surroundings.world.time + this.asleepMs;
  }

  boot(): void {
    const { world, start = startReconciler } = this.#surroundings;
    this.boots++;
    this.#life = new Life(world);
    this.reconciler = start(this.ports(this.#life));
    this.reconciler.done.catch((error: unknown) => {
      if (this.#surroundings.ended) this.#surroundings.ended(error);
      else if (!this.#life.isOver) throw error;
    });
  }

  crash(): void {
    this.#life.isOver = true;
    this.reconciler = null;
    this.gateway.crash();
    this.runtime.crash();
    this.journal.crash(this.#surroundings.world);
    this.#surroundings.world.note(`${this.name} crashes`);
  }

  ports(life: Life): Ports {
    const around = this.#surroundings;
    const { world } = around;
    const near = (entry: Entry | null): void => around.near?.(this, entry);
    return {
      journal: this.journal.port(life, near),
      fetch: this.disk.fetch(life, around),
      verify: this.disk.verify(life, around),
      runtime: this.runtime.port(life, around.loading, around.unloading),
      evaluate: simulatedEvaluate(life, around.judgingGate),
      serving: this.gateway.serving(life, {
        ...around,
        switching: (service, held) => {
          near(null);
          around.switching?.(service, held);
        },
      }),
      prober: this.gateway.prober(life, around),
      permits: {
        ask: (question, signal) =>
          new Promise((resolve, reject) => {
            signal.addEventListener('abort', () => life.isOver || reject(new Error('aborted')), { once: true });
            around.askPermit(this.name, question, (answer) => life.isOver || resolve(answer));
          }),
      },
      disclose: {
        state: (part) => life.answer(between(world, 1, 5), () => around.tellState(this.name, part)),
        evidence: (body) => life.answer(between(world, 1, 5), () => around.tellEvidence(this.name, body)),
      },
      // Each start counts from somewhere else: nothing may be carried over from one boot to the next.
      clock: { monotonic: () => world.time + this.boots * 1_000_000, wall: () => this.wall() },
      localTime: { minuteOfWeek: (wall) => Math.floor(wall / 60_000) % (7 * 24 * 60) },
      timers: { sleep: (ms, signal) => life.answer(ms, () => undefined, signal) },
      ids: { uuid: () => this.#draw(32), nonce: () => this.#draw(22) },
      log: SILENT,
    };
  }

  #draw(length: number): string {
    const { world } = this.#surroundings;
    return Array.from({ length }, () => between(world, 0, 16).toString(16)).join('');
  }
}
