import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openNodeDatabase } from './database.ts';
import { SqlitePolicyHits, type PolicyHitCount } from './policy-hits.ts';

const hit = (given: Partial<PolicyHitCount>): PolicyHitCount => ({
  service: 'triage',
  policy: 'clinic',
  revision: 2,
  rule: 'red-flag',
  stage: 'input',
  action: 'escalate',
  mode: 'enforce',
  day: '2026-03-01',
  count: 1,
  ...given,
});

test('P7 hits of a rule are added up by day, mode and action, over a restart too, and nothing else is kept of them', () => {
  const dir = mkdtempSync(join(tmpdir(), 'openward-hits-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const open = () => new SqlitePolicyHits(openNodeDatabase(join(dir, 'node.db')));
  open().add([hit({ count: 2 }), hit({ rule: null, action: 'judged', count: 9 }), hit({ mode: 'next', revision: 3 })]);
  open().add([hit({ count: 3 }), hit({ day: '2026-03-02' }), hit({ service: 'letters' })]);
  expect(open().ofService('triage')).toEqual([
    hit({ day: '2026-03-02' }),
    hit({ mode: 'next', revision: 3 }),
    hit({ rule: null, action: 'judged', count: 9 }),
    hit({ count: 5 }),
  ]);
});

test('P7 counts of days before the one that is named are forgotten, and no others', () => {
  const hits = new SqlitePolicyHits(openNodeDatabase(':memory:'));
  const days = ['2025-01-31', '2025-02-01', '2026-03-01'];
  hits.add(days.map((day) => hit({ day })));
  hits.prune('2025-02-01');
  expect(hits.ofService('triage').map(({ day }) => day)).toEqual(['2026-03-01', '2025-02-01']);
});
