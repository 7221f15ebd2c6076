import { plainPolicy } from '@openward/contracts';
import { beforeEach, expect, test } from 'vitest';
import { openNodeDatabase } from './database.ts';
import { SqlitePolicyRefusals, SqliteShadows, SqliteSitePolicy } from './site-policy.ts';
import { SqliteTermVerdicts } from './term-verdicts.ts';

let database: ReturnType<typeof openNodeDatabase>;
beforeEach(() => {
  database = openNodeDatabase(':memory:');
});

const shadow = (number: number, service = 'triage') => ({
  service,
  assignment: `as-${number}`,
  release: `sha256:${number}`,
  number,
  policy: plainPolicy('Answer briefly.', { revision: number }),
  by: 'Dr. Osei',
  startedAt: number,
  until: 100,
});

test('a site that chose nothing has no terms and goes on, and what it chose is kept', () => {
  const settings = new SqliteSitePolicy(database);
  expect(settings.read()).toEqual({ terms: { recordNumber: null, variables: {} }, onExpiry: 'goOn' });
  const chosen = {
    terms: { recordNumber: 'MRN-\\d{7}', variables: { emergencyNumber: '112' } },
    onExpiry: 'fallback',
  } as const;
  settings.write(chosen);
  expect(new SqliteSitePolicy(database).read()).toEqual(chosen);
});

test('at most one shadow of a service is open, and every consent that was given stays with its end', () => {
  const shadows = new SqliteShadows(database);
  shadows.start(shadow(1));
  shadows.start(shadow(2));
  shadows.start(shadow(1, 'summary'));
  expect(shadows.open().map(({ service, number }) => [service, number])).toEqual([
    ['summary', 1],
    ['triage', 2],
  ]);
  shadows.end('triage', 'activated', 9);
  shadows.end('triage', 'until', 10);
  expect(shadows.open()).toHaveLength(1);
  expect(shadows.list(10).map(({ service, number, by, ended }) => [service, number, by, ended])).toEqual([
    ['summary', 1, 'Dr. Osei', null],
    ['triage', 2, 'Dr. Osei', { at: 9, why: 'activated' }],
    ['triage', 1, 'Dr. Osei', { at: 2, why: 'stopped' }],
  ]);
  expect(shadows.open()[0]?.policy).toEqual(shadow(1).policy);
  // Of those that ended, whose consent it was and for what; not the text again.
  expect(shadows.list(10)[1]?.policy).toEqual({ id: shadow(2).policy.id, revision: 2 });
});

test('the newest refusal of each service is kept, with what was found', () => {
  const refusals = new SqlitePolicyRefusals(database);
  const findings = [{ code: 'testFailed', where: 'tests[3]', message: 'rule dose, test “5 mg”: other text' }];
  for (const number of [1, 2])
    refusals.keep({ service: 'triage', release: `sha256:${number}`, number, findings, at: number });
  expect(refusals.list()).toEqual([{ service: 'triage', release: 'sha256:2', number: 2, findings, at: 2 }]);
});

test('E6 which policies were judged with the site’s own words is kept, apart from those words', () => {
  const verdicts = new SqliteTermVerdicts(database);
  expect(verdicts.read()).toEqual([]);
  const kept = [{ policy: 'sha256:a', terms: 'sha256:b', at: 1 }];
  verdicts.write(kept);
  expect(new SqliteTermVerdicts(database).read()).toEqual(kept);
  expect(new SqliteSitePolicy(database).read().terms.recordNumber).toBeNull();
});
