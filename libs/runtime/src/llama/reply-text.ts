/**
 * Turns pieces of a reply into text that may be sent: nothing that could yet become a stop string leaves, and the reply
 * ends before the first stop string. With `trimEnd`, white space leaves only once something follows it.
 */
export class ReplyText {
  readonly #stops: readonly string[];
  readonly #trimEnd: boolean;
  #held = '';
  #isStopped = false;

  constructor(stops: readonly string[], trimEnd: boolean) {
    this.#stops = stops;
    this.#trimEnd = trimEnd;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** The text that is now certain. */
  add(piece: string): string {
    if (this.#isStopped) return '';
    this.#held += piece;
    const at = this.#firstStop();
    if (at !== undefined) {
      this.#isStopped = true;
      const last = this.#held.slice(0, at);
      this.#held = '';
      return this.#trimEnd ? last.trimEnd() : last;
    }
    return this.#release(this.#held.length - this.#uncertain());
  }

  /** The rest, when no more comes. */
  finish(): string {
    const rest = this.#held;
    this.#held = '';
    return this.#trimEnd ? rest.trimEnd() : rest;
  }

  #firstStop(): number | undefined {
    const found = this.#stops.map((stop) => this.#held.indexOf(stop)).filter((at) => at >= 0);
    return found.length === 0 ? undefined : Math.min(...found);
  }

  /** How many of the last characters could be the beginning of a stop string, or white space to trim. */
  #uncertain(): number {
    let most = this.#trimEnd ? this.#held.length - this.#held.trimEnd().length : 0;
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, this.#held.length); length > most; length -= 1) {
        if (this.#held.endsWith(stop.slice(0, length))) most = length;
      }
    }
    return most;
  }

  #release(length: number): string {
    const text = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    return text;
  }
}
