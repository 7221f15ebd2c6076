import type { PolicyFinding, PolicyFindingCode } from './model.ts';
import { shortened, spelt } from './visible.ts';

/** As many as one reads; what has ten thousand faults is corrected by its first hundred. */
export const MOST_FINDINGS = 100;
/** The last finding, where more than so many were found. */
const MORE_FINDINGS = 'There is more; correct these first.';
const MOST_WHERE = 200;
const MOST_MESSAGE = 1_000;

/**
 * Why a policy is refused, in the order in which it was found. Takes a bounded number, and says that there were more. A finding
 * quotes what it found, which may be hostile: each is one line of bounded length, and hides nothing.
 */
export class Findings {
  readonly #all: PolicyFinding[] = [];
  #more = 0;

  get isFull(): boolean {
    return this.#all.length >= MOST_FINDINGS;
  }

  get isEmpty(): boolean {
    return this.#all.length === 0;
  }

  add(code: PolicyFindingCode, where: string, message: string): void {
    this.take([{ code, where, message }]);
  }

  /** Stops to ask for more where it is full. */
  take(findings: Iterable<PolicyFinding>): void {
    for (const finding of findings) {
      if (this.isFull) {
        this.#more += 1;
        return;
      }
      const { code, where, message } = finding;
      this.#all.push({
        code,
        where: spelt(shortened(where, MOST_WHERE)),
        message: spelt(shortened(message, MOST_MESSAGE)),
      });
    }
  }

  list(): readonly PolicyFinding[] {
    const last = this.#all.at(-1);
    if (this.#more === 0 || !last) return this.#all;
    return [...this.#all, { code: last.code, where: '', message: MORE_FINDINGS }];
  }
}

/** `rules[3].match.pattern` */
export const pathOf = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((before, key) => {
    if (typeof key === 'number') return `${before}[${key}]`;
    return before === '' ? String(key) : `${before}.${String(key)}`;
  }, '');
