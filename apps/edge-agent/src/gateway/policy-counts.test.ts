import type { Hit } from '@openward/policy';
import { openNodeDatabase, SqlitePolicyHits } from '@openward/persistence/node';
import { expect, test } from 'vitest';
import { PolicyCounts } from './policy-counts.ts';
import { policyWith, ruleWith, shortly, words } from './policy.fixture.ts';

const policy = policyWith({
  rules: [ruleWith({ id: 'out', stage: 'output', match: words('pain'), action: { does: 'annotate' } })],
});
const hit = (mode: Hit['mode'], count = 1): Hit => ({ rule: 'out', stage: 'output', does: 'annotate', mode, count });

test('a conversation counts once for a rule, however often the rule matched in it', () => {
  const counts = new PolicyCounts(() => '2026-03-01');
  counts.judged('triage', policy, 'output', [hit('enforce', 7)]);
  counts.watched('triage', policy, 'output', { hits: [hit('shadow')], failed: ['slow'] }, 'shadow');
  counts.watched('triage', policy, 'output', { hits: [hit('enforce')], failed: [] }, 'next');
  expect(shortly(counts.take())).toEqual([
    '* output enforce judged 1',
    '* output next judged 1',
    '* output shadow judged 1',
    'out enforce annotate 1',
    'out next annotate 1',
    'out shadow annotate 1',
    'slow shadow failed 1',
  ]);
  expect(counts.take()).toEqual([]);
});

test('what could not be kept is taken again with what came since, each on its own day', () => {
  let day = '2026-03-01';
  const counts = new PolicyCounts(() => day);
  counts.judged('triage', policy, 'input', []);
  const taken = counts.take();
  counts.judged('triage', policy, 'input', []);
  day = '2026-03-02';
  counts.judged('triage', policy, 'input', []);
  counts.giveBack(taken);
  expect(counts.take().map(({ day: on, count }) => [on, count])).toEqual([
    ['2026-03-01', 2],
    ['2026-03-02', 1],
  ]);
});

test('what is counted here is what the node keeps', () => {
  const kept = new SqlitePolicyHits(openNodeDatabase(':memory:'));
  const counts = new PolicyCounts(() => '2026-03-01');
  counts.judged('triage', policy, 'input', [hit('enforce')]);
  kept.add(counts.take());
  counts.judged('triage', policy, 'input', []);
  kept.add(counts.take());
  kept.add(counts.take());
  expect(shortly(kept.ofService('triage'))).toEqual(['* input enforce judged 2', 'out enforce annotate 1']);
});

test('the last rule of a service that could not be applied is told, with how often that happened', () => {
  const counts = new PolicyCounts(() => '2026-03-01');
  counts.failed('triage', policy, 'out', 1_000);
  counts.failed('triage', policy, 'out', 2_000);
  expect(counts.troubles(() => policy)).toEqual([
    { service: 'triage', id: 'clinic', revision: 3, rule: 'out', at: 2_000, times: 2 },
  ]);
  expect(counts.take()).toMatchObject([{ rule: 'out', stage: 'output', action: 'failed', mode: 'enforce', count: 2 }]);
});

test('a trouble is told as long as its policy serves, and one of the next policy begins to count anew', () => {
  const counts = new PolicyCounts(() => '2026-03-01');
  const next = { ...policy, revision: policy.revision + 1 };
  counts.failed('triage', policy, 'out', 1_000);
  counts.failed('letters', policy, 'out', 1_000);
  const serving = (service: string) => (service === 'triage' ? next : null);
  expect(counts.troubles(() => policy)).toHaveLength(2);
  expect(counts.troubles(serving)).toEqual([]);
  counts.failed('triage', next, 'out', 2_000);
  expect(counts.troubles(serving)).toMatchObject([{ revision: next.revision, times: 1 }]);
});
