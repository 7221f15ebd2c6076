type Quarters = 1 | 2 | 3 | 4;

/** Counts items and tells quarters (P6), so that how many items there are does not show. */
export class Progress {
  readonly #total: number;
  readonly #report: (quarters: Quarters) => Promise<void>;
  #done = 0;
  #told = 0;

  constructor(total: number, report: (quarters: Quarters) => Promise<void>) {
    this.#total = total;
    this.#report = report;
  }

  async add(items: number): Promise<void> {
    this.#done = Math.min(this.#total, this.#done + items);
    const quarters = Math.floor((4 * this.#done) / this.#total);
    if (quarters <= this.#told) return;
    this.#told = quarters;
    await this.#report(quarters as Quarters);
  }
}
