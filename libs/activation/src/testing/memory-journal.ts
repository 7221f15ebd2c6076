import type { Entry } from '../journal.ts';
import type { Journal } from '../ports.ts';
import type { Life } from './life.ts';
import { between, type SimulatedWorld } from './world.ts';

/** A disk that outlives its machine, and knows what was synced. At a crash a part of the unsynced tail, as chance has it, survives. */
export class MemoryJournal {
  readonly entries: Entry[] = [];
  #synced = 0;

  get synced(): readonly Entry[] {
    return this.entries.slice(0, this.#synced);
  }

  crash(world: SimulatedWorld): void {
    this.entries.length = this.#synced + between(world, 0, this.entries.length - this.#synced + 1);
    this.#synced = this.entries.length;
  }

  /** `near` is called just before a durable step: where a machine's death hurts. */
  port(life: Life, near: (entry: Entry) => void = () => undefined): Journal {
    const { world } = life;
    return {
      append: (entry) => {
        near(entry);
        return life.answer(between(world, 0, 3), () => void this.entries.push(structuredClone(entry)));
      },
      sync: () => life.answer(between(world, 1, 20), () => void (this.#synced = this.entries.length)),
      read: () => life.answer(1, () => [...this.entries]),
    };
  }
}
