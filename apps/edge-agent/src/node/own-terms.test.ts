import type { PolicyFinding, SiteTerms } from '@openward/policy';
import type { JudgePolicy } from '@openward/policy-check';
import { expect, test } from 'vitest';
import { attributed } from './own-terms.ts';
import { refusedOf } from './policy-check.ts';
import { judgeHere, policyOf, withRecordNumbers } from './policy.fixture.ts';
import { releaseWith } from './release.fixture.ts';

const tooSlow: PolicyFinding = { code: 'tooSlow', where: 'rules[0].timeLimitMs', message: 'It takes 900 ms.' };
/** Refuses where the site's own words are these. */
const judgeOf =
  (refuses: (terms: SiteTerms) => boolean): JudgePolicy =>
  (policy, terms) =>
    Promise.resolve(
      refuses(terms) ? { kind: 'refused', findings: [tooSlow] } : { kind: 'ok', policy: policy as typeof ward },
    );
const ward = withRecordNumbers();
const terms: SiteTerms = { recordNumber: '[0-9]{7}', variables: { emergencyNumber: '117', other: 'x' } };
const placesOf = async (refuses: (of: SiteTerms) => boolean, policy = ward, own = terms) =>
  (await attributed(judgeOf(refuses), policy, own, [tooSlow])).map(({ where }) => where);

const PATTERN = 'record-number [0-9]{7}';
const NUMBER = 'variable emergencyNumber “117” (3)';
const FOUND = 'rules[0].timeLimitMs';
test.each<[string, (of: SiteTerms) => boolean, string[]]>([
  ['the pattern', ({ recordNumber }) => recordNumber !== null, [PATTERN, FOUND]],
  ['a value', ({ variables }) => 'emergencyNumber' in variables, [NUMBER, FOUND]],
  ['both', ({ recordNumber, variables }) => recordNumber !== null || 'other' in variables, [PATTERN, NUMBER, FOUND]],
  ['none of the site’s own words', () => true, [FOUND]],
])('a refusal, whatever its code, for which %s is why names just that, before what was found', async (...given) => {
  const [, refuses, places] = given;
  expect(await placesOf(refuses)).toEqual(places);
});

test('a policy that reads nothing of the site is refused for what it is, and not judged again', async () => {
  expect(await placesOf(() => expect.fail('it was judged'), policyOf({ variables: [] }))).toEqual([FOUND]);
});

test('notices that are too long with the site’s own value, and not with the default, name the value and its command', async () => {
  const policy = policyOf({
    notices: { place: 'header' },
    disclaimer: 'refusal',
  });
  const emergencyNumber = '☎'.repeat(200);
  const own: SiteTerms = { recordNumber: null, variables: { emergencyNumber } };
  const long = { ...policy, texts: { refusal: { en: '{{emergencyNumber}} '.repeat(4) } } };
  const quiet = { ...long, rules: [], tests: [] };
  expect(await refusedOf(judgeHere, releaseWith(quiet), { recordNumber: null, variables: {} })).toBeNull();
  const refused = await refusedOf(judgeHere, releaseWith(quiet), own);
  expect(refused).toMatchObject({
    code: 'policyInvalid',
    findings: [{ code: 'siteTermInvalid' }, { code: 'tooLarge', where: 'notices' }],
  });
  expect(refused?.findings[0]?.where).toMatch(/^variable emergencyNumber “☎{60}” \(200\)$/);
  expect(refused?.findings[0]?.message).toContain('openward node policy set emergencyNumber VALUE');
});
