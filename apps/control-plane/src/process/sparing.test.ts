import { expect, it } from 'vitest';
import { sparing } from './sparing.ts';

it('tells the first few of a while, and then how many it left out', () => {
  let now = 0;
  const told: [string, number][] = [];
  const tell = sparing<string>((what, leftOut) => void told.push([what, leftOut]), { monotonic: () => now }, 2);
  for (const what of ['a', 'b', 'c', 'd']) tell(what);
  now = 9_999;
  tell('e');
  now = 10_000;
  tell('f');
  tell('g');
  expect(told).toEqual([
    ['a', 0],
    ['b', 0],
    ['f', 3],
    ['g', 0],
  ]);
});
