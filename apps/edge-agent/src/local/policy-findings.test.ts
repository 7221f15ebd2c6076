import { NO_SITE_TERMS, type SiteTerms } from '@openward/policy';
import { expect, test } from 'vitest';
import { policyOf, withRecordNumbers } from '../node/policy.fixture.ts';
import { policyFindings, type PolicyFacts } from './policy-findings.ts';

const now = Date.parse('2026-06-01T00:00:00.000Z');
const facts = (given: Partial<PolicyFacts> = {}): PolicyFacts => ({
  serving: [{ service: 'triage', policy: policyOf() }],
  terms: NO_SITE_TERMS,
  onExpiry: 'goOn',
  troubles: [],
  unread: [],
  refusals: [],
  now,
  ...given,
});
const said = (given: Partial<PolicyFacts>) => policyFindings(facts(given)).map(({ level, why }) => `${level}: ${why}`);
const withPattern = (recordNumber: string): SiteTerms => ({ ...NO_SITE_TERMS, recordNumber });
const expiring = (expires: string) => [{ service: 'triage', policy: policyOf({ expires }) }];

test('nothing is said of a policy that is well', () => {
  expect(policyFindings(facts())).toEqual([]);
  expect(said({ serving: expiring('2026-07-02T00:00:00Z') })).toEqual([]);
});

test('a policy that expires within 30 days is warned of, with what this site chose', () => {
  expect(said({ serving: expiring('2026-07-01T00:00:00Z') })).toEqual([
    'warning: ward@1 expires in 30 days, at 2026-07-01T00:00:00Z; then, as this site chose, the service goes on',
  ]);
  expect(said({ serving: expiring('2026-06-03T00:00:00Z'), onExpiry: 'fallback' })[0]).toContain(
    'gives callers its fallback text',
  );
});

test('one that has expired is a problem where the site chose to stop, and a warning where it goes on', () => {
  const serving = expiring('2026-05-30T00:00:00Z');
  expect(said({ serving })[0]).toBe(
    'warning: ward@1 expired 2 days ago, at 2026-05-30T00:00:00Z; as this site chose, the service goes on',
  );
  expect(said({ serving, onExpiry: 'fallback' })[0]).toContain('problem: ');
});

test('a rule that looks for record numbers without a pattern is told, and with one it is well', () => {
  const serving = [{ service: 'triage', policy: withRecordNumbers() }];
  expect(said({ serving })[0]).toContain('its rule record-numbers looks for medical record numbers, and finds none');
  expect(said({ serving, terms: withPattern('MRN-\\d{7}') })).toEqual([]);
});

test('a rule that could not be applied is a problem, and a policy that was refused names its rule and test', () => {
  const trouble = { service: 'triage', id: 'ward', revision: 1, rule: 'weapons', at: now, times: 3 };
  const findings = [{ code: 'testFailed', where: 'tests[0]', message: 'weapons, “a weapon” (en): text' }];
  const refusal = { service: 'triage', release: 'sha256:2', number: 2, findings, at: now };
  const [first, second] = said({ troubles: [trouble], refusals: [refusal] });
  expect(policyFindings(facts({ refusals: [refusal] }))[0]?.since).toBe(new Date(now).toISOString());
  expect(first).toContain('problem: the rule weapons of ward@1 could not be applied, 3 times');
  expect(second).toContain('weapons, “a weapon”');
});

test('a policy that the site’s own pattern of record numbers fails is the site’s to clear, by rule and test', () => {
  const findings = [
    { code: 'siteTermInvalid', where: 'record-number \\d{3} mg', message: 'This site’s own pattern is why.' },
    { code: 'testFailed', where: 'tests[2]', message: 'record-numbers, “a dose” (en): asked' },
  ];
  const refusals = [{ service: 'triage', release: 'sha256:2', number: 2, findings, at: now }];
  expect(policyFindings(facts({ refusals, terms: withPattern('\\d{3} mg') }))[0]).toMatchObject({
    clearedBy: 'site',
    why: expect.stringMatching(/own pattern of record numbers: tests\[2\]: record-numbers, “a dose”/) as string,
    next: expect.stringMatching(/^openward node policy record-number.*network admin.*author/) as string,
  });
  expect(policyFindings(facts({ refusals, terms: withPattern('MRN-\\d{7}') }))[0]).toMatchObject({
    clearedBy: 'networkAdmin',
    why: expect.stringContaining('changed since') as string,
    next: expect.stringContaining('openward rollouts retry') as string,
  });
});

test('a policy that the site’s own value of a variable does not fit is the site’s to clear, by that variable', () => {
  const findings = [
    { code: 'siteTermInvalid', where: 'variable emergencyNumber “117” (3)', message: 'This site’s own value is why.' },
    { code: 'tooLarge', where: 'notices', message: 'They have 9000 bytes together.' },
  ];
  const refusals = [{ service: 'triage', release: 'sha256:2', number: 2, findings, at: now }];
  const said = (emergencyNumber: string) =>
    policyFindings(facts({ refusals, terms: { recordNumber: null, variables: { emergencyNumber } } }))[0];
  expect(said('117')).toMatchObject({
    clearedBy: 'site',
    why: expect.stringContaining('own value of emergencyNumber: notices') as string,
    next: expect.stringMatching(/^openward node policy set emergencyNumber.*network admin/) as string,
  });
  expect(said('112')).toMatchObject({
    clearedBy: 'networkAdmin',
    why: expect.stringContaining('changed since') as string,
  });
});

test('a verdict that is withheld is no fault of the policy or of the site’s terms, and time clears it', () => {
  const findings = [{ code: 'verdictWithheld', where: 'terms', message: 'None is given before 2026-04-01.' }];
  const refusals = [{ service: 'triage', release: 'sha256:2', number: 2, findings, at: now }];
  expect(policyFindings(facts({ refusals, terms: withPattern('MRN-\\d{7}') }))[0]).toMatchObject({
    clearedBy: 'time',
    why: 'it is not told whether its policy runs here: None is given before 2026-04-01.',
    next: expect.stringContaining('openward rollouts retry') as string,
  });
});

test('a release that cannot be read is a problem, and named', () => {
  const [only] = policyFindings(facts({ unread: [{ service: 'summary', number: 7 }] }));
  expect(only).toMatchObject({ level: 'problem', what: 'summary release 7' });
});
