export interface FairLimits {
  /** Works that run at once, of all callers together. */
  readonly atOnce: number;
  /** Of one caller. */
  readonly ofOneAtOnce: number;
  /** Of one caller, that wait for their turn; any more are refused. */
  readonly ofOneWaiting: number;
}

/**
 * An agent has one call of each kind under way, and few kinds. Ten of a thousand nodes that hold all they may leave room for
 * the rest, and what a flood costs beside that is its refusals.
 */
export const CALL_LIMITS: FairLimits = { atOnce: 256, ofOneAtOnce: 4, ofOneWaiting: 16 };

interface Caller {
  running: number;
  readonly waiting: (() => Promise<void>)[];
}

/** Turns between callers: each in its order gets one, so that whoever has much to ask delays itself and nobody else. */
export class FairTurns {
  readonly #limits: FairLimits;
  readonly #callers = new Map<string, Caller>();
  /** Callers with something that could run now, in the order of their turns. */
  readonly #next = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  #closed = false;

  constructor(limits: FairLimits = CALL_LIMITS) {
    this.#limits = limits;
  }

  /** Runs `work`, now or later; false where it never will. `work` does not reject. */
  take(caller: string, work: () => Promise<void>): boolean {
    if (this.#closed) return false;
    const state = this.#callers.get(caller) ?? { running: 0, waiting: [] };
    if (state.waiting.length >= this.#limits.ofOneWaiting) return false;
    this.#callers.set(caller, state);
    state.waiting.push(work);
    this.#next.add(caller);
    this.#run();
    return true;
  }

  /** Takes no more, and resolves when everything that was taken has run. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #run(): void {
    for (const caller of this.#next) {
      if (this.#running.size >= this.#limits.atOnce) return;
      this.#next.delete(caller);
      const state = this.#callers.get(caller);
      const work = state !== undefined && state.running < this.#limits.ofOneAtOnce ? state.waiting.shift() : undefined;
      if (state === undefined || work === undefined) continue;
      state.running += 1;
      const done: Promise<void> = work().finally(() => {
        this.#running.delete(done);
        state.running -= 1;
        if (state.waiting.length > 0) this.#next.add(caller);
        else if (state.running === 0) this.#callers.delete(caller);
        this.#run();
      });
      this.#running.add(done);
      // To the end of the line; the loop comes to it again.
      if (state.waiting.length > 0) this.#next.add(caller);
    }
  }
}
