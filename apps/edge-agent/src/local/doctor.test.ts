import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { readConfig } from '../config.ts';
import { diskFindings } from './doctor.ts';

test('N7 the doctor says whether the reserve stands, and who has to make room where it does not', () => {
  const config = readConfig(tmpdir());
  expect(diskFindings({ hasReserve: true, config })).toMatchObject([{ level: 'ok', what: 'the disk' }]);
  expect(diskFindings({ hasReserve: false, config })).toMatchObject([
    { level: 'problem', what: 'the disk', clearedBy: 'site', next: expect.stringContaining(config.dataDir) },
  ]);
  expect(diskFindings({ hasReserve: true, config: { ...config, reserveBytes: 0 } })).toEqual([]);
});
