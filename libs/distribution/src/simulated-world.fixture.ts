import type { Clock, Random, Timers } from '@openward/contracts';

// Virtual time and seeded chance. Everything asynchronous goes through `at`, so a seed decides everything.

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class World {
  now = 0;
  readonly log: string[] = [];
  #state: number;
  #order = 0;
  #events: Event[] = [];

  constructor(seed: number) {
    this.#state = (seed * 2_654_435_761) >>> 0 || 1;
  }

  /** In [0, 1). */
  chance(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state / 2 ** 32;
  }

  between(from: number, to: number): number {
    return from + Math.floor(this.chance() * (to - from));
  }

  note(text: string): void {
    this.log.push(`${Math.round(this.now)} ${text}`);
  }

  at(delay: number, run: () => void): void {
    const event = { at: this.now + Math.max(0, delay), order: (this.#order += 1), run };
    let low = 0;
    for (let high = this.#events.length; low < high;) {
      const middle = (low + high) >> 1;
      if (this.#events[middle]!.at <= event.at) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, event);
  }

  /** Runs events in order of time to the time `until` or `isOver`; between two, every promise that can goes on. */
  async run(isOver: () => boolean, until: number): Promise<void> {
    while (!isOver()) {
      const event = this.#events[0];
      if (!event || event.at > until) {
        if (until < Number.POSITIVE_INFINITY) this.now = Math.max(this.now, until);
        return;
      }
      this.#events.shift();
      this.now = event.at;
      event.run();
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  }

  clock(): Clock {
    return { monotonic: () => this.now, wall: () => this.now };
  }

  random(): Random {
    return { bytes: (length) => Uint8Array.from({ length }, () => this.between(0, 256)) };
  }
}

/** One run of a machine's programs. After `end`, no port call of it ever answers. */
export class Life {
  readonly world: World;
  /** Called at each durable step or act, so that a test can end the life near one. */
  onStep: () => void = () => undefined;
  #isOver = false;

  constructor(world: World) {
    this.world = world;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    this.#isOver = true;
  }

  answer<T>(delay: number, value: () => T, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        if (this.#isOver) return;
        if (signal?.aborted) return reject(signal.reason as Error);
        try {
          resolve(value());
        } catch (error) {
          reject(error as Error);
        }
      };
      signal?.addEventListener('abort', () => this.world.at(0, settle), { once: true });
      this.world.at(delay, settle);
    });
  }

  timers(): Timers {
    return { sleep: (ms, signal) => this.answer(ms, () => undefined, signal) };
  }
}
