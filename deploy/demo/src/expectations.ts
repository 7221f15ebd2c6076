import { bad, good } from './print.ts';

export interface Expectation {
  readonly expectation: string;
  readonly seen: string;
  readonly held: boolean;
}

/** Everything that the story claims, checked as it happens. */
export class Expectations {
  readonly list: Expectation[] = [];

  check(expectation: string, held: boolean, seen: string): void {
    this.list.push({ expectation, seen, held });
    (held ? good : bad)(`${expectation}${seen === '' ? '' : `: ${seen}`}`);
  }

  get allHeld(): boolean {
    return this.list.length > 0 && this.list.every(({ held }) => held);
  }
}
