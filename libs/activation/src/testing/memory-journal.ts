import { applyEntry, type Entry, NOTHING_KNOWN } from '../journal.ts';
import type { Durable } from '../model.ts';
import type { Journal } from '../ports.ts';
import type { Life } from './life.ts';
import { between, type SimulatedWorld } from './world.ts';

/** A disk that outlives its machine, and knows what was synced. At a crash a part of the unsynced tail, as chance has it, survives. */
export class MemoryJournal {
  readonly entries: Entry[] = [];
  /** What a restart at this moment would find at least. */
  known: Durable = NOTHING_KNOWN;
  #synced = 0;

  crash(world: SimulatedWorld): void {
    this.entries.length = this.#synced + between(world, 0, this.entries.length - this.#synced + 1);
    this.#sync();
  }

  #sync(): void {
    for (const entry of this.entries.slice(this.#synced)) this.known = applyEntry(this.known, entry);
    this.#synced = this.entries.length;
  }

  /** `near` is called just before a durable step: where a machine's death hurts. */
  port(life: Life, near: (entry: Entry) => void = () => undefined): Journal {
    const { world } = life;
    return {
      append: (entry) => {
        near(entry);
        return life.answer(between(world, 0, 3), () => void this.entries.push(entry));
      },
      sync: () => life.answer(between(world, 1, 20), () => this.#sync()),
      read: () => life.answer(1, () => [...this.entries]),
    };
  }
}
