import type { Clock, Timers } from '@openward/contracts';

/**
 * Timers of a loop that rests long while nothing happens. `wake` ends the rest of now, and for a while after it rests are
 * `briskMs` at most: what was announced (a report that coalesces with others) is due a moment later, not at once.
 */
export class Wake implements Timers {
  readonly #timers: Timers;
  readonly #brisk: { readonly restMs: number; readonly forMs: number };
  readonly #clock: Clock;
  #briskUntil = 0;
  #ring = new AbortController();

  constructor(
    timers: Timers,
    clock: Clock,
    brisk: { readonly restMs: number; readonly forMs: number } = { restMs: 0, forMs: 0 },
  ) {
    this.#timers = timers;
    this.#clock = clock;
    this.#brisk = brisk;
  }

  wake(): void {
    this.#briskUntil = this.#clock.monotonic() + this.#brisk.forMs;
    this.#ring.abort();
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    // Woken while it worked: it looks again at once.
    const ring = this.#ring.signal;
    const rest = this.#clock.monotonic() < this.#briskUntil ? Math.min(ms, this.#brisk.restMs) : ms;
    const either = signal === undefined ? ring : AbortSignal.any([ring, signal]);
    await this.#timers.sleep(rest, either).catch(() => {});
    if (ring.aborted) this.#ring = new AbortController();
    signal?.throwIfAborted();
  }
}
