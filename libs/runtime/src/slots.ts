import { RuntimeRefusal } from './refusal.ts';

type Waiter = { readonly take: () => void; readonly refuse: (refusal: RuntimeRefusal) => void };

/**
 * So many may work at once, so many more may wait, first come first served. Whoever took a slot must give it back, once;
 * giving it back twice does nothing.
 */
export class Slots {
  readonly #waiting: Waiter[] = [];
  readonly #maxWaiting: number;
  #free: number;

  constructor(size: number, maxWaiting: number) {
    this.#free = size;
    this.#maxWaiting = maxWaiting;
  }

  take(signal?: AbortSignal): Promise<() => void> {
    if (signal?.aborted) return Promise.reject(abortedBy(signal));
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve(this.#giveBackOnce());
    }
    if (this.#waiting.length >= this.#maxWaiting) {
      return Promise.reject(
        new RuntimeRefusal('queueFull', `${this.#maxWaiting} requests wait for this model already; ask again later.`),
      );
    }
    return this.#wait(signal);
  }

  #wait(signal?: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(abortedBy(signal));
      };
      const waiter: Waiter = {
        take: () => {
          signal?.removeEventListener('abort', leave);
          resolve(this.#giveBackOnce());
        },
        refuse: (refusal) => {
          signal?.removeEventListener('abort', leave);
          reject(refusal);
        },
      };
      this.#waiting.push(waiter);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  /** Everyone who still waits is refused. */
  refuseWaiting(refusal: RuntimeRefusal): void {
    for (const waiter of this.#waiting.splice(0)) waiter.refuse(refusal);
  }

  #giveBackOnce(): () => void {
    let isGivenBack = false;
    return () => {
      if (isGivenBack) return;
      isGivenBack = true;
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next.take();
    };
  }
}

export function abortedBy(signal?: AbortSignal): RuntimeRefusal {
  return new RuntimeRefusal('aborted', 'The caller stopped this request.', { cause: signal?.reason });
}
