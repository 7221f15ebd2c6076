import { expect, test } from 'vitest';
import type { HeldHere } from '../node/held-policies.ts';
import { policyOf } from '../node/policy.fixture.ts';
import { notToldBy, ownValueFindings, ownValues } from './own-values.ts';

const number = { name: 'emergencyNumber', description: 'd', default: '112', setBySite: true };
const held = (given: Partial<HeldHere> = {}): HeldHere => ({
  service: 'triage',
  number: 3,
  serves: true,
  policy: policyOf(),
  ofService: [],
  fallbackText: 'Use the paper form. In an emergency call 112.',
  ...given,
});
const terms = (emergencyNumber: string) => ({ recordNumber: null, variables: { emergencyNumber } });

test('a service whose fallback text does not name the variable is told of, with the text that callers get', () => {
  const all = [held(), held({ number: 9, serves: false, fallbackText: 'Another.' })];
  expect(notToldBy('emergencyNumber', all)).toEqual([
    { service: 'triage', fallbackText: 'Use the paper form. In an emergency call 112.' },
  ]);
  expect(notToldBy('emergencyNumber', [held({ ofService: [number] })])).toEqual([]);
});

test('the doctor warns where a fallback text tells the network’s own number in place of the site’s', () => {
  const [only, ...others] = ownValueFindings({ terms: terms('0800 999'), held: [held()], offered: [] });
  expect(others).toEqual([]);
  expect(only).toMatchObject({ level: 'warning', what: 'triage', clearedBy: 'networkAdmin' });
  expect(only?.why).toMatch(/halted, recalled or expired.*emergencyNumber.*call 112/);
  expect(ownValueFindings({ terms: terms('112'), held: [held()], offered: [] })).toEqual([]);
});

test('an empty value that an older agent stored is a problem, and says which command mends it', () => {
  for (const value of ['', ' ', '1\n2'])
    expect(ownValueFindings({ terms: terms(value), held: [held()], offered: [] })).toMatchObject([
      { level: 'problem', clearedBy: 'site', next: expect.stringContaining('--default') as string },
    ]);
});

test('N2 a value that nothing here uses yet is shown, with the release that waits and would', () => {
  const offered = [{ service: 'triage', number: 4, policy: policyOf() }];
  expect(ownValues({ terms: terms('0800 999'), held: [], offered })).toMatchObject([
    { name: 'emergencyNumber', isUsable: true, usedBy: [], offeredTo: [{ service: 'triage', number: 4 }] },
  ]);
});
