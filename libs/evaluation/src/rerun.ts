import type { Outcomes, Rerun } from './outcomes.ts';

/** Numbers in [0, 1), the same for the same source on every machine. */
export type Random = () => number;

/**
 * A small seeded source for drawing items, not for anything that must be unguessable: FNV-1a (32 bits) over the seed's
 * UTF-16 code units, then mulberry32. Every node of a plan draws alike, and a test can say what is drawn.
 */
export function seededRandom(seed: string): Random {
  let state = 0x811c9dc5;
  for (let i = 0; i < seed.length; i++) state = Math.imul(state ^ seed.charCodeAt(i), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** E4: draws `count` of the ids without replacement, whatever order they come in; all of them where there are fewer. */
export function drawItems(ids: readonly string[], count: number, random: Random): readonly string[] {
  const pool = ids.toSorted(byCodeUnit);
  for (let i = 0; i < Math.min(count, pool.length); i++) {
    const other = i + Math.floor(random() * (pool.length - i));
    [pool[i], pool[other]] = [pool[other]!, pool[i]!];
  }
  return pool.slice(0, count);
}

/**
 * What asking again says: one item whose outcome differs is a flip, and makes the runtime unstable (E4). An item that
 * was drawn and has no outcome leaves the rerun not run.
 */
export function compareRerun(drawn: readonly string[], first: Outcomes, again: Outcomes): Rerun {
  if (drawn.some((id) => again.get(id) === 'failed')) return 'failed';
  if (drawn.some((id) => !first.has(id) || !again.has(id))) return 'notRun';
  return drawn.some((id) => first.get(id) !== again.get(id)) ? 'flipped' : 'stable';
}

/**
 * A flip on a bundled item makes both sets' verdicts inconclusive, one on an own record only the own verdict: what was
 * seen on own records must not show in the evidence that leaves with counts (E1).
 */
export function rerunOfOwn(bundled: Rerun, own: Rerun): Rerun {
  for (const worst of ['failed', 'flipped', 'notRun'] as const) if (bundled === worst || own === worst) return worst;
  return 'stable';
}

export const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
