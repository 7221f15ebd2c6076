interface Coded {
  readonly code: string;
}

/** So many of each code are read; the hundredth of the same tells nothing that the third did not. */
const MOST_OF_A_CODE = 3;

export interface Grouped<T> {
  readonly code: string;
  readonly first: readonly T[];
  /** How many there are beside the first. */
  readonly more: number;
}

/** What was found, by code, each where its first stands. */
export function groupedByCode<T extends Coded>(found: readonly T[]): readonly Grouped<T>[] {
  return [...Map.groupBy(found, ({ code }) => code)].map(([code, all]) => ({
    code,
    first: all.slice(0, MOST_OF_A_CODE),
    more: Math.max(0, all.length - MOST_OF_A_CODE),
  }));
}

export const andMore = (code: string, more: number): string =>
  more === 0 ? '' : `… and ${more} more of ${code} (all of them with --json)`;
