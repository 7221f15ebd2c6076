/** Holds one value: a newer one takes the place of one that nobody took. For one taker. */
export class Newest<T> {
  #value: { readonly value: T } | null = null;
  #failure: { readonly error: unknown } | null = null;
  #wake: (() => void) | null = null;

  put(value: T): void {
    this.#value = { value };
    this.#wake?.();
  }

  /** The next `take` that finds no value throws. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake?.();
  }

  async take(): Promise<T> {
    for (;;) {
      if (this.#value !== null) {
        const { value } = this.#value;
        this.#value = null;
        return value;
      }
      if (this.#failure !== null) throw this.#failure.error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
  }
}
