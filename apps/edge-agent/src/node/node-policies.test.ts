import type { NodeState } from '@openward/activation';
import { type Assignment, digestOf, type Release } from '@openward/contracts';
import { openNodeDatabase, SqlitePolicyHits, SqliteSitePolicy, SqliteTermVerdicts } from '@openward/persistence/node';
import { expect, test } from 'vitest';
import { NodePolicies } from './node-policies.ts';
import { withRecordNumbers } from './policy.fixture.ts';
import { releaseWith } from './release.fixture.ts';

const NONE = { lastGood: null, anchor: null, attempt: null };
/** One service, under this release where one is given. */
const nodePolicies = (database: ReturnType<typeof openNodeDatabase>, now: () => number, serves?: Release) =>
  new NodePolicies({
    database,
    timeZone: 'UTC',
    clock: { wall: now, monotonic: now },
    log: { info() {}, warn() {}, error() {} },
    state: () =>
      ({
        isBooted: true,
        durable: {
          services:
            serves === undefined ? {} : { triage: { ...NONE, active: { release: digestOf(serves), number: 1 } } },
          recalled: [],
        },
      }) as unknown as NodeState,
    releaseOf: () => (serves === undefined ? Promise.reject(new Error('none is here')) : Promise.resolve(serves)),
    recompile: () => {},
    servingPolicy: () => null,
    offered: () => Promise.resolve({ policies: [], unread: [] }),
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
  expect(policies.refusals.list()).toMatchObject([{ findings: [{ code: 'verdictWithheld', where: 'terms' }] }]);
  now = start + 30 * 86_400_000;
  await runs();
}, 60_000);

/** A site with its own form of record numbers, which has told all of the verdicts that it may, at this time. */
function spent(now: number, serves?: Release) {
  const database = openNodeDatabase(':memory:');
  const terms = { recordNumber: 'MRN-\\d{6}', variables: {} };
  new SqliteSitePolicy(database).write({ terms, onExpiry: 'goOn' });
  const verdicts = new SqliteTermVerdicts(database);
  verdicts.write(Array.from({ length: 12 }, (_, n) => ({ policy: `sha256:${n}`, terms: digestOf(terms), at: now })));
  return { policies: nodePolicies(database, () => now, serves), verdicts };
}

test('E6 an offer tells beforehand that the verdicts of a month are spent, and until when, and counts nothing', async () => {
  const now = Date.parse('2026-03-01T00:00:00Z');
  const { policies, verdicts } = spent(now);
  const before = verdicts.read();
  const refused = await policies.refusedNow(releaseWith(withRecordNumbers()));
  expect(refused).toMatchObject({ code: 'policyWithheld', findings: [{ code: 'verdictWithheld', where: 'terms' }] });
  expect(refused?.findings[0]?.message).toContain('2026-03-31T00:00:00');
  expect(verdicts.read()).toEqual(before);
  verdicts.write(before.slice(1));
  expect(await policies.refusedNow(releaseWith(withRecordNumbers()))).toBeNull();
  expect(verdicts.read()).toEqual(before.slice(1));
}, 60_000);

test('E6 a release that corrects the model alone is not withheld, since its policy serves here already', async () => {
  const serves = releaseWith(withRecordNumbers());
  const { policies, verdicts } = spent(Date.parse('2026-03-01T00:00:00Z'), serves);
  const before = verdicts.read();
  const next = { ...serves, number: 2 };
  const assignment = { service: 'triage', release: { digest: digestOf(next), number: 2 } } as Assignment;
  expect(await policies.refusedNow(next)).toBeNull();
  await policies.assertRuns(assignment, next);
  expect(verdicts.read()).toEqual(before);
  const other = { ...next, policy: withRecordNumbers({ revision: 2 }) };
  await expect(policies.assertRuns(assignment, other)).rejects.toMatchObject({ code: 'policyWithheld' });
}, 60_000);
