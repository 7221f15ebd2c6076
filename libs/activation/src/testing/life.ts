import type { SimulatedWorld } from './world.ts';

/** From one boot of a machine to its death. After that no port call of this life ever answers. */
export class Life {
  readonly world: SimulatedWorld;
  isOver = false;

  constructor(world: SimulatedWorld) {
    this.world = world;
  }

  /** Answers after `ms`, unless this life is over or the signal says stop. A value that throws rejects. */
  answer<T>(ms: number, value: () => T, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        if (!this.isOver) reject(new Error('aborted'));
      };
      if (signal?.aborted) return stop();
      signal?.addEventListener('abort', stop, { once: true });
      this.world.at(ms, () => {
        if (this.isOver || signal?.aborted) return;
        signal?.removeEventListener('abort', stop);
        try {
          resolve(value());
        } catch (error) {
          reject(error as Error);
        }
      });
    });
  }
}
