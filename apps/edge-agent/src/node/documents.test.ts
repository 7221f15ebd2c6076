import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plainPolicy } from '@openward/contracts';
import { expect, onTestFinished, test } from 'vitest';
import { Documents } from './documents.ts';
import { assignmentOf, diskIn, releaseWith } from './release.fixture.ts';

test('a document is parsed once, until it is given up', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'documents-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const disk = diskIn();
  const documents = new Documents(disk.store);
  const [one, two] = [1, 2].map((number) => assignmentOf(disk, dir, releaseWith(plainPolicy('S'), number)).release);
  const read = ({ digest, document }: typeof one & object) => documents.release(digest, document);
  const [first, second] = [await read(one!), await read(two!)];
  expect([await read(one!), await read(two!)]).toEqual([first, second]);
  expect(await read(one!)).toBe(first);

  documents.keepOnly(new Set([two!.document.file]));
  disk.paths.delete(one!.document.file);
  await expect(read(one!)).rejects.toThrow('is not on this disk');
  expect(await read(two!)).toBe(second);
});
