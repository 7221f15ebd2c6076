/** What comes by callback, read by one loop. A failure is told at once, before pieces that were not read yet. */
export class Pieces<Piece> implements AsyncIterable<Piece> {
  readonly #ready: Piece[] = [];
  #state: { readonly is: 'open' } | { readonly is: 'ended' } | { readonly is: 'failed'; readonly cause: unknown } = {
    is: 'open',
  };
  #wake: (() => void) | undefined;

  add(piece: Piece): void {
    if (this.#state.is !== 'open') return;
    this.#ready.push(piece);
    this.#wake?.();
  }

  /** No more comes after this last one. */
  end(piece: Piece): void {
    this.add(piece);
    if (this.#state.is === 'open') this.#state = { is: 'ended' };
    this.#wake?.();
  }

  fail(cause: unknown): void {
    if (this.#state.is === 'open') this.#state = { is: 'failed', cause };
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Piece> {
    for (;;) {
      if (this.#state.is === 'failed') throw this.#state.cause;
      const piece = this.#ready.shift();
      if (piece !== undefined) yield piece;
      else if (this.#state.is === 'ended') return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
