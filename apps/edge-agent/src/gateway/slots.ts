import { Refusal } from '@openward/contracts';

/** Thrown when the queue is full; the gateway says when to come again. */
export const RETRY_AFTER_SECONDS = 1;

/**
 * As many requests at once as the runtime answers at once, and a bounded queue behind them (G5). Evaluations wait until nobody
 * else does, so that a clinic never stands behind one for longer than an item takes.
 */
export class Slots {
  readonly #atOnce: number;
  readonly #mostWaiting: number;
  #busy = 0;
  readonly #waiting: (() => void)[] = [];
  #idle: (() => void)[] = [];

  constructor(atOnce: number, mostWaiting: number) {
    this.#atOnce = atOnce;
    this.#mostWaiting = mostWaiting;
  }

  /**
   * Gives the slot back exactly once when the returned function is called. `ahead` takes the next one that is free, however
   * many wait: a probe decides on a release, and the clinic's own load must not decide for it.
   */
  async take(signal: AbortSignal, { ahead = false }: { readonly ahead?: boolean } = {}): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#busy < this.#atOnce) this.#busy += 1;
    else await this.#queue(signal, ahead);
    let taken = true;
    return () => {
      if (!taken) return;
      taken = false;
      this.#release();
    };
  }

  /** Resolves when no request of an application runs or waits. */
  whenIdle(): Promise<void> {
    return this.#busy === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  get busy(): number {
    return this.#busy;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** G5's bound; to be asked before anything is done for a request that would be refused by it. */
  refuseWhenFull(): void {
    if (this.#busy >= this.#atOnce && this.#waiting.length >= this.#mostWaiting)
      throw new Refusal('queueFull', `${this.#mostWaiting} requests wait already.`);
  }

  #queue(signal: AbortSignal, ahead: boolean): Promise<void> {
    if (!ahead) this.refuseWhenFull();
    return new Promise((resolve, reject) => {
      const next = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(next), 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      if (ahead) this.#waiting.unshift(next);
      else this.#waiting.push(next);
    });
  }

  /** The slot goes to the one who waits longest; `busy` falls only when nobody does. */
  #release(): void {
    const next = this.#waiting.shift();
    if (next !== undefined) return next();
    this.#busy -= 1;
    if (this.#busy > 0) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }
}
