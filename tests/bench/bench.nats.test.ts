import { afterAll, beforeAll, expect, test } from 'vitest';
import { benchControl } from './control.ts';
import { documentOf } from './document.ts';
import { readOptions } from './options.ts';
import type { Section } from './report.ts';
import { benchResume } from './resume.ts';
import { openPlace, type Place } from './transfer/place.ts';
import { benchTransfer } from './transfer.ts';

// That the pieces of the bench run, with tiny sizes. No time is asserted: `npm run bench` shows them.

const options = readOptions(['--size', '2', '--large', '3', '--rounds', '1', '--seconds', '0.1']);
let place: Place;
beforeAll(async () => {
  place = await openPlace();
});
afterAll(() => place.close());

const numbersOf = ({ tables }: Section): string => JSON.stringify(tables);

test('every way of bringing a file to a node ends with a verified file, and is named in the document', async () => {
  const section = await benchTransfer(place, options);
  expect(section.tables[0]!.rows).toHaveLength(6);
  expect(numbersOf(section)).not.toMatch(/NaN|Infinity/);
  const run = { sections: [section], natsVersion: '2', loadBefore: '0', loadAfter: '0', seconds: 1, command: 'bench' };
  const text = documentOf(run);
  expect(text).toContain('Object Store get');
  expect(text).not.toContain(process.cwd());
});

test('an update ships the changed tensors, and a kill costs no more than the budget', async () => {
  const section = await benchResume(place, options);
  expect(section.verdicts.map(({ what }) => what)).toEqual(['fetched again, for each kill', 'update of a fine-tune']);
  expect(section.verdicts[0]!.held).toBe(true);
});

test('the control connection is asked before and during a transfer, on a fast line and a slow one', async () => {
  expect(numbersOf(await benchControl(place, options))).not.toMatch(/NaN|Infinity/);
});
