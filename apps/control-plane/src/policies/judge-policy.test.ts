import { plainPolicy } from '@openward/contracts';
import { checkPolicy, NO_SITE_TERMS, starterPolicy } from '@openward/policy';
import { expect, test } from 'vitest';
import { createPolicyJudge } from './judge-policy.ts';

const starter = starterPolicy();

test('finds what the check of a policy finds, while the main thread goes on', async () => {
  const judge = createPolicyJudge();
  let turns = 0;
  const counting = setInterval(() => (turns += 1), 1);
  expect(await judge(starter)).toEqual({ kind: 'ok', policy: starter });
  clearInterval(counting);
  expect(turns).toBeGreaterThan(3);
  const untested = { ...starter, tests: [] };
  const { findings } = checkPolicy(untested, NO_SITE_TERMS, () => performance.now()) as unknown as {
    findings: unknown;
  };
  expect(await judge(untested)).toEqual({ kind: 'refused', findings });
  expect(await judge([1])).toMatchObject({ kind: 'refused', findings: [{ code: 'shape' }] });
});

test('a check that takes too long is ended and refuses the policy, and the next one has its turn', async () => {
  const judge = createPolicyJudge(1);
  const both = await Promise.all([judge(plainPolicy('a')), judge(plainPolicy('b'))]);
  expect(both).toMatchObject([{ findings: [{ code: 'tooSlow' }] }, { findings: [{ code: 'tooSlow' }] }]);
});
