/** What simulated ports need of the world around them. A larger simulation passes its own. */
export interface SimulatedWorld {
  /** Milliseconds; each machine may have a clock of its own beside it. */
  readonly time: number;
  /** In [0, 1), from the seed. */
  random(): number;
  at(delay: number, run: () => void): void;
  note(text: string): void;
}

interface Happening {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

const isBefore = (a: Happening, b: Happening): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** Virtual time and seeded chance: everything asynchronous goes through `at`, so that a seed decides everything. */
export class VirtualWorld implements SimulatedWorld {
  time = 0;
  readonly log: string[] = [];
  readonly #heap: Happening[] = [];
  #seed: number;
  #order = 0;

  constructor(seed: number) {
    this.#seed = (seed * 2_654_435_761) >>> 0 || 1;
  }

  random(): number {
    let x = this.#seed;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#seed = x >>> 0;
    return this.#seed / 2 ** 32;
  }

  at(delay: number, run: () => void): void {
    const added: Happening = { at: this.time + delay, order: this.#order++, run };
    const heap = this.#heap;
    let i = heap.push(added) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(added, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = added;
  }

  note(text: string): void {
    this.log.push(`${Math.round(this.time)} ${text}`);
  }

  /** Runs what happens until then, in order of time; between two, every promise that can go on goes on. */
  async run(until: number, check: () => void): Promise<void> {
    for (let next; (next = this.#heap[0]) && next.at <= until;) {
      this.#pop();
      this.time = next.at;
      next.run();
      await new Promise((resolve) => setImmediate(resolve));
      check();
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
  }
}

export const between = (world: SimulatedWorld, least: number, most: number): number =>
  least + Math.floor(world.random() * (most - least));
