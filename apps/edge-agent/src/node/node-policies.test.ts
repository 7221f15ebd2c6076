import type { NodeState } from '@openward/activation';
import { type Assignment, digestOf } from '@openward/contracts';
import { openNodeDatabase, SqlitePolicyHits, SqliteSitePolicy, SqliteTermVerdicts } from '@openward/persistence/node';
import { expect, test } from 'vitest';
import { NodePolicies } from './node-policies.ts';
import { withRecordNumbers } from './policy.fixture.ts';
import { releaseWith } from './release.fixture.ts';

const nodePolicies = (database: ReturnType<typeof openNodeDatabase>, now: () => number) =>
  new NodePolicies({
    database,
    timeZone: 'UTC',
    clock: { wall: now, monotonic: now },
    log: { info() {}, warn() {}, error() {} },
    state: () => ({ isBooted: true, durable: { services: {}, recalled: [] } }) as unknown as NodeState,
    releaseOf: () => Promise.reject(new Error('none is here')),
    recompile: () => {},
    servingPolicy: () => null,
  });

test('P7 what policies did is forgotten after 13 months, with requests or without', () => {
  const database = openNodeDatabase(':memory:');
  let now = Date.parse('2026-03-31T12:00:00Z');
  const policies = nodePolicies(database, () => now);
  const base = {
    service: 'triage',
    policy: 'ward',
    revision: 1,
    rule: null,
    stage: 'input',
    action: 'judged',
  } as const;
  const days = ['2025-02-28', '2025-03-01', '2026-03-31'];
  new SqlitePolicyHits(database).add(days.map((day) => ({ ...base, mode: 'enforce', day, count: 1 })));
  const kept = () => policies.hitsOf('triage').map(({ day }) => day);
  expect(kept()).toEqual(['2026-03-31', '2025-03-01']);
  now += 2 * 86_400_000;
  expect(kept()).toEqual(['2026-03-31']);
});

test('E6 a policy that is judged with the site’s own words is counted once, and the thirteenth of a month is not judged', async () => {
  const database = openNodeDatabase(':memory:');
  const start = Date.parse('2026-03-01T00:00:00Z');
  let now = start;
  new SqliteSitePolicy(database).write({ terms: { recordNumber: 'MRN-\\d{6}', variables: {} }, onExpiry: 'goOn' });
  const policies = nodePolicies(database, () => now);
  const release = releaseWith(withRecordNumbers());
  const assignment = { service: 'triage', release: { digest: digestOf(release), number: 1 } } as Assignment;
  const runs = (of = release) => policies.assertRuns(assignment, of);
  await runs();
  now += 1;
  await runs();
  const verdicts = new SqliteTermVerdicts(database);
  const [one, ...others] = verdicts.read();
  expect([one?.at, others]).toEqual([start, []]);
  verdicts.write(Array.from({ length: 12 }, (_, n) => ({ ...one!, policy: `sha256:${n}`, at: start + n })));
  await expect(runs()).rejects.toMatchObject({ code: 'policyWithheld' });
  expect(policies.refusals.list()).toMatchObject([{ findings: [{ where: 'terms' }] }]);
  now = start + 30 * 86_400_000;
  await runs();
}, 60_000);
