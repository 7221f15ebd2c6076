import type { NodeState } from '@openward/activation';
import { openNodeDatabase, SqlitePolicyHits } from '@openward/persistence/node';
import { expect, test } from 'vitest';
import { NodePolicies } from './node-policies.ts';

test('P7 what policies did is forgotten after 13 months, with requests or without', () => {
  const database = openNodeDatabase(':memory:');
  let now = Date.parse('2026-03-31T12:00:00Z');
  const policies = new NodePolicies({
    database,
    timeZone: 'UTC',
    clock: { wall: () => now, monotonic: () => now },
    log: { info() {}, warn() {}, error() {} },
    state: () => ({ isBooted: true, durable: { services: {}, recalled: [] } }) as unknown as NodeState,
    releaseOf: () => Promise.reject(new Error('none is here')),
    recompile: () => {},
    servingPolicy: () => null,
  });
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
