import { expect, test } from 'vitest';
import { readOptions } from './options.ts';
import { benchPolicy } from './policy.ts';

test('50 rules run over a request, a reply and a stream, beside RegExp, and find what is there', async () => {
  const { tables } = await benchPolicy(null, readOptions(['--rounds', '1', '--seconds', '0.02']));
  expect(JSON.stringify(tables)).not.toMatch(/NaN|Infinity/);
  const [texts, streams] = tables;
  expect(texts!.rows.map(([, hits]) => Number(hits) > 0)).toEqual([false, true, false, true]);
  expect(streams!.rows.map(([, mode]) => mode)).toEqual(['window', 'buffer']);
}, 60_000);
