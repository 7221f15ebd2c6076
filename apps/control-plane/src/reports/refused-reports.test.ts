import type { NodeName } from '@openward/contracts';
import { expect, it } from 'vitest';
import { RefusedReports } from './refused-reports.ts';

const LAKESIDE = { site: 'lakeside', node: 'lakeside-1' } as NodeName;
const RIVER = { site: 'river', node: 'river-1' } as NodeName;

it('tells of the first refusal of a node at once, and then a count a minute, whatever it sends', () => {
  const refused = new RefusedReports();
  const told: (number | null)[] = [];
  for (let ms = 0; ms < 120_000; ms += 10) told.push(refused.add(LAKESIDE, 'signatureInvalid', ms));
  expect(told.filter((count) => count !== null)).toEqual([1, 6_000]);
  expect(refused.add(RIVER, 'signatureInvalid', 120_000)).toBe(1);
});

it('names the nodes that were refused in the last ten minutes, and since when', () => {
  const refused = new RefusedReports();
  refused.add(LAKESIDE, 'notAFrame', 1_000);
  refused.add(LAKESIDE, 'signatureInvalid', 500_000);
  refused.add(RIVER, 'unknownNode', 2_000);
  expect(refused.lately(700_000)).toEqual([{ ...LAKESIDE, why: 'signatureInvalid', reports: 2, since: 1_000 }]);
  expect(refused.lately(2_000_000)).toEqual([]);
  expect(refused.add(LAKESIDE, 'notAFrame', 2_000_000)).toBe(1);
});
