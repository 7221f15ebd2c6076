import type { GateFinding } from './finding.ts';

/**
 * The counts and items behind a verdict on own records, for the people of the site. They never leave (E1): the fields
 * are private, so that neither JSON nor a structured clone carries them, and writing them as JSON throws instead of
 * sending an empty object. What the node keeps for its own page it reads from here on purpose, set by set.
 */
export class LocalDetails {
  readonly #bundled: readonly GateFinding[];
  readonly #own: readonly GateFinding[];

  constructor(bundled: readonly GateFinding[], own: readonly GateFinding[]) {
    this.#bundled = bundled;
    this.#own = own;
  }

  bundledForTheSite(): readonly GateFinding[] {
    return this.#bundled;
  }

  ownForTheSite(): readonly GateFinding[] {
    return this.#own;
  }

  toJSON(): never {
    throw new TypeError('details of an evaluation stay on the node');
  }
}
