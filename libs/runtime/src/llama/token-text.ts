type Detokenize = (tokens: readonly number[]) => string;

/** A character has at most four bytes; more tokens than that without one are no unfinished character. */
const MOST_HELD = 4;
const UNFINISHED = '\uFFFD';

/**
 * The text of tokens as they come. A token may be part of a character only, and in some vocabularies its text depends on
 * the ones before it; so tokens are read together with a few of their predecessors, and held until a character is whole.
 */
export class TokenText {
  readonly #detokenize: Detokenize;
  #context: number[];
  #held: number[] = [];

  constructor(detokenize: Detokenize, promptEnd: readonly number[]) {
    this.#detokenize = detokenize;
    this.#context = [...promptEnd];
  }

  add(token: number): string {
    this.#held.push(token);
    const text = this.#read();
    if (text.endsWith(UNFINISHED) && this.#held.length < MOST_HELD) return '';
    this.#context = this.#held;
    this.#held = [];
    return text;
  }

  /** What is left when no more comes; an unfinished character is dropped. */
  finish(): string {
    const text = this.#held.length === 0 ? '' : this.#read();
    this.#held = [];
    let end = text.length;
    while (end > 0 && text[end - 1] === UNFINISHED) end -= 1;
    return text.slice(0, end);
  }

  #read(): string {
    const before = this.#detokenize(this.#context);
    return this.#detokenize([...this.#context, ...this.#held]).slice(before.length);
  }
}
