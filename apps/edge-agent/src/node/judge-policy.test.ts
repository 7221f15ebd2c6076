import { NO_SITE_TERMS } from '@openward/policy';
import { expect, test } from 'vitest';
import { createPolicyJudge } from './judge-policy.ts';
import { judgeHere, policyOf, withRecordNumbers } from './policy.fixture.ts';

const sound = policyOf();

test('finds what the check of a policy finds, with the site’s own terms', async () => {
  const judge = createPolicyJudge();
  expect(await judge(sound, NO_SITE_TERMS)).toEqual([]);
  const terms = { recordNumber: '\\d{3} mg', variables: {} };
  const found = await judge(withRecordNumbers(), terms);
  expect(found).toEqual(await judgeHere(withRecordNumbers(), terms));
  expect(found.map(({ code }) => code)).toContain('testFailed');
});

test('the thread that answers clinics goes on while a large policy is checked', async () => {
  const many = policyOf({ tests: Array.from({ length: 200 }, (_, at) => sound.tests[at % 2]!) });
  let turns = 0;
  const counting = setInterval(() => (turns += 1), 1);
  await createPolicyJudge()(many, NO_SITE_TERMS);
  clearInterval(counting);
  expect(turns).toBeGreaterThan(3);
});

test('what is nested deeper than anybody can walk is refused as here', async () => {
  const nested = JSON.parse(`${'{"items":'.repeat(50_000)}{}${'}'.repeat(50_000)}`) as Record<string, unknown>;
  const rule = { ...sound.rules[0]!, match: { kind: 'schema' as const, schema: nested } };
  expect(await createPolicyJudge()(policyOf({ rules: [rule] }), NO_SITE_TERMS)).toMatchObject([{ code: 'tooLarge' }]);
});

test('a check that takes too long is ended and refuses the policy, and the next one has its turn', async () => {
  const judge = createPolicyJudge(1);
  const both = await Promise.all([judge(sound, NO_SITE_TERMS), judge(sound, NO_SITE_TERMS)]);
  expect(both).toMatchObject([[{ code: 'tooSlow' }], [{ code: 'tooSlow' }]]);
});
