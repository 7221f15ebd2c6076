import { expect, test } from 'vitest';
import { Fetches } from './fetches.ts';

const progress = (file: string) => ({ service: 'triage', file, doneBytes: 1, totalBytes: 2, reusedBytes: 0 });

test('the newest 16 transfers are shown, and none of a file that was given up', () => {
  const fetches = new Fetches();
  for (let file = 0; file < 40; file++) fetches.note(progress(String(file)));
  fetches.note(progress('30'));
  expect(fetches.list().map(({ file }) => file)).toHaveLength(16);
  expect(fetches.list().at(-1)?.file).toBe('30');
  fetches.keepOnly(new Set(['30', '39']));
  expect(fetches.list().map(({ file }) => file)).toEqual(['39', '30']);
});
