/** Numbers that look random and are the same for a seed on every machine (mulberry32). */
export interface Chance {
  /** A whole number from 0 to `below` - 1. */
  below(below: number): number;
  of<T>(choices: readonly T[]): T;
  digits(count: number): string;
}

export const chanceOf = (seed: number): Chance => {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (limit: number): number => next() % limit;
  const of = <T>(choices: readonly T[]): T => {
    const chosen = choices[below(choices.length)];
    if (chosen === undefined) throw new Error('nothing to choose from');
    return chosen;
  };
  return { below, of, digits: (count) => Array.from({ length: count }, () => below(10)).join('') };
};
