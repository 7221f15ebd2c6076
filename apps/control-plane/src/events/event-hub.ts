import type { LiveEvent } from '@openward/contracts';

export interface EventListener {
  event(event: LiveEvent): void;
  /** Events may have passed unheard: whoever shows something reads it again. */
  lost(): void;
}

/** What all replicas commit, told to those in this process who listen. A listener must not throw. */
export class EventHub {
  readonly #listeners = new Set<EventListener>();

  tell(event: LiveEvent): void {
    for (const listener of this.#listeners) listener.event(event);
  }

  lost(): void {
    for (const listener of this.#listeners) listener.lost();
  }

  /** Returns what ends the listening. */
  listen(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
