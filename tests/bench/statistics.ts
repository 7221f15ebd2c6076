// The sums that the sections share. A quantile is one of the values that were measured, never one between two.

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))];
  if (value === undefined) throw new Error('a quantile of nothing');
  return value;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Megabytes (of 10^6 bytes) a second. */
export const rateOf = (bytes: number, ms: number): number => bytes / 1000 / ms;

/** Two digits that say something, and no more than three behind the point. */
export function figure(value: number): string {
  if (value === 0) return '0';
  const digits = Math.max(0, Math.min(3, 1 - Math.floor(Math.log10(Math.abs(value)))));
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export const megabytes = (bytes: number): string => `${figure(bytes / 1e6)} MB`;
export const milliseconds = (ms: number): string => `${figure(ms)} ms`;
export const times = (ratio: number): string => `${ratio.toFixed(2)}×`;

/** Runs every side once a round, in turn, forwards and then backwards: what is slow for a while is slow for all of them. */
export async function interleave<Name extends string, Result>(
  rounds: number,
  sides: Readonly<Record<Name, () => Promise<Result>>>,
): Promise<Record<Name, Result[]>> {
  const names = Object.keys(sides) as Name[];
  const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, Result[]>;
  for (let round = 0; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) results[name].push(await sides[name]());
  }
  return results;
}
