import { expect, test } from 'vitest';
import { NO_SITE_TERMS, starterPolicy } from '@openward/policy';
import { compiledPolicy } from './compiled.ts';

test('a policy is made ready once for the same terms, and anew for others', () => {
  const terms = { ...NO_SITE_TERMS, variables: { emergencyNumber: '999' } };
  const compiled = compiledPolicy(starterPolicy(), NO_SITE_TERMS);
  expect(compiledPolicy(structuredClone(starterPolicy()), NO_SITE_TERMS)).toBe(compiled);
  expect(compiledPolicy(starterPolicy(), terms)).not.toBe(compiled);
  expect(compiledPolicy({ ...starterPolicy(), revision: 2 }, NO_SITE_TERMS).policy.revision).toBe(2);
});

test('no more are kept than what serves, what is staged and what stands in shadow', () => {
  const first = compiledPolicy(starterPolicy(), NO_SITE_TERMS);
  for (let revision = 10; revision < 13; revision += 1) compiledPolicy({ ...starterPolicy(), revision }, NO_SITE_TERMS);
  expect(compiledPolicy(starterPolicy(), NO_SITE_TERMS)).not.toBe(first);
});
