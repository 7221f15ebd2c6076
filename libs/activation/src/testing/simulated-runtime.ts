import type { Chain, Held } from '../model.ts';
import type { ModelRuntime } from '../ports.ts';
import type { Life } from './life.ts';
import { between } from './world.ts';

/** A runtime process: what it has loaded is gone when it exits, or when its machine does. */
export class SimulatedRuntime {
  readonly loaded = new Set<string>();
  /** Gone with the process, and not loaded again since: who acts on one of them may not have heard of it yet. */
  readonly lost = new Set<string>();
  readonly #listeners = new Set<() => void>();

  crash(): void {
    this.loaded.clear();
    this.lost.clear();
    this.#listeners.clear();
  }

  /** The process ends by itself, and is started anew with nothing loaded. */
  exit(): void {
    for (const key of this.loaded) this.lost.add(key);
    this.loaded.clear();
    for (const listener of this.#listeners) listener();
  }

  /** `loading` throws where a model cannot be loaded; `unloading` hears of what is taken away while it is there. */
  port(
    life: Life,
    loading: (held: Held) => void = () => undefined,
    unloading: (key: string) => void = () => undefined,
  ): ModelRuntime {
    const { world } = life;
    return {
      load: (held, signal) =>
        life.answer(
          between(world, 5, 400),
          (): Chain => {
            loading(held);
            this.loaded.add(held.key);
            this.lost.delete(held.key);
            const { artifact, base } = held;
            return base === undefined ? { base: artifact.file } : { base: base.file, adapter: artifact.file };
          },
          signal,
        ),
      unload: (key) =>
        life.answer(between(world, 1, 20), () => {
          if (this.loaded.has(key)) unloading(key);
          this.loaded.delete(key);
          this.lost.delete(key);
        }),
      onExit: (listener) => {
        this.#listeners.add(listener);
        return () => void this.#listeners.delete(listener);
      },
    };
  }
}
