import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Outcome } from './outcomes.ts';
import { compareRerun, drawItems, rerunOfOwn, seededRandom } from './rerun.ts';

const ids = (n: number): string[] => Array.from({ length: n }, (_, i) => `item-${i}`);
const outcomes = (...pairs: readonly (readonly [string, Outcome])[]) => new Map(pairs);

describe('E4 the seeded draw', () => {
  it('E4 gives the same numbers for a seed on every machine', () => {
    const random = seededRandom('42');
    expect([random(), random(), random()]).toEqual([0.3077305785845965, 0.3676118436269462, 0.23133554426021874]);
  });

  it('E4 draws 40 different items, whatever order they come in', () => {
    const drawn = drawItems(ids(280), 40, seededRandom('7'));
    expect(new Set(drawn).size).toBe(40);
    expect(drawItems(ids(280).toReversed(), 40, seededRandom('7'))).toEqual(drawn);
    expect(drawItems(ids(280), 40, seededRandom('8'))).not.toEqual(drawn);
  });

  it('E4 draws every item where there are fewer', () => {
    expect(drawItems(ids(12), 40, seededRandom('7')).toSorted()).toEqual(ids(12).toSorted());
    expect(drawItems([], 40, seededRandom('7'))).toEqual([]);
  });

  it('draws each item about as often', () => {
    const times = new Map(ids(20).map((id) => [id, 0]));
    for (let seed = 0; seed < 2000; seed++) {
      for (const id of drawItems(ids(20), 5, seededRandom(`${seed}`))) times.set(id, times.get(id)! + 1);
    }
    // 500 expected each, standard deviation 19.
    for (const count of times.values()) expect(Math.abs(count - 500)).toBeLessThan(100);
  });

  it('draws without replacement from any ids', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string()), fc.nat(60), fc.string(), (all, count, seed) => {
        const drawn = drawItems(all, count, seededRandom(seed));
        expect(drawn).toHaveLength(Math.min(count, all.length));
        expect(new Set(drawn).size).toBe(drawn.length);
        expect(all).toEqual(expect.arrayContaining([...drawn]));
      }),
    );
  });
});

describe('E4 comparing a rerun', () => {
  const first = outcomes(['a', 'right'], ['b', 'wrong'], ['c', 'right']);

  it('E4 is stable where each drawn item has the outcome it had', () => {
    expect(compareRerun(['a', 'b'], first, outcomes(['a', 'right'], ['b', 'wrong']))).toBe('stable');
  });

  it('E4 flips on one item, either way', () => {
    expect(compareRerun(['a', 'b'], first, outcomes(['a', 'wrong'], ['b', 'wrong']))).toBe('flipped');
    expect(compareRerun(['a', 'b'], first, outcomes(['a', 'right'], ['b', 'right']))).toBe('flipped');
  });

  it('is not stable where an item lacks its outcome, or the runtime failed', () => {
    expect(compareRerun(['a', 'b'], first, outcomes(['a', 'right']))).toBe('notRun');
    expect(compareRerun(['d'], first, outcomes(['d', 'right']))).toBe('notRun');
    expect(compareRerun(['a', 'b'], first, outcomes(['a', 'failed']))).toBe('failed');
  });

  it('E1 lets a bundled flip spoil the own verdict, and takes the worse of the two', () => {
    expect(rerunOfOwn('flipped', 'stable')).toBe('flipped');
    expect(rerunOfOwn('stable', 'flipped')).toBe('flipped');
    expect(rerunOfOwn('stable', 'stable')).toBe('stable');
    expect(rerunOfOwn('flipped', 'failed')).toBe('failed');
    expect(rerunOfOwn('notRun', 'stable')).toBe('notRun');
  });
});
