import { openNodeDatabase, SqliteSitePolicy } from '@openward/persistence/node';
import type { CompiledPolicy } from '@openward/policy';
import { beforeEach, expect, test } from 'vitest';
import { compiledPolicy } from '../gateway/compiled.ts';
import { judgeHere, policyOf, withRecordNumbers } from './policy.fixture.ts';
import { refusedBy, refusedTerms } from './policy-check.ts';
import { SiteTermsStore, type HeldPolicy, type UnreadPolicy } from './site-terms.ts';

const serving = (policy = withRecordNumbers()): HeldPolicy => ({ service: 'triage', number: 3, policy });

let database: ReturnType<typeof openNodeDatabase>;
beforeEach(() => {
  database = openNodeDatabase(':memory:');
});

/** The settings of a node on which these policies are held, the first of which serves. */
function site(
  held: readonly HeldPolicy[] = [serving()],
  unread: readonly UnreadPolicy[] = [],
  offered: readonly HeldPolicy[] = [],
) {
  let served: CompiledPolicy | null = null;
  const settings: SiteTermsStore = new SiteTermsStore({
    store: new SqliteSitePolicy(database),
    held: () => Promise.resolve({ policies: held, unread }),
    offered: () => Promise.resolve({ policies: offered, unread: [] }),
    check: (policy, terms) => refusedBy(judgeHere, policy, terms),
    checkTerms: refusedTerms,
    apply: () => {
      served = held[0] === undefined ? null : compiledPolicy(held[0].policy, settings.terms());
    },
  });
  const say = (text: string) =>
    served?.applyInput({ turns: [{ role: 'user', text }], language: null, today: '2026-03-01' }, () => 0);
  return { settings, say };
}
const setNumber = { kind: 'setVariable', name: 'emergencyNumber', value: '0800 999' } as const;

test('a site’s own terms hold at once for what serves, and are there again after a start', async () => {
  const { settings, say } = site();
  await settings.change(setNumber);
  await settings.change({ kind: 'setRecordNumber', pattern: 'MRN-\\d{7}' });
  expect(say('Where are weapons sold?')).toMatchObject({ kind: 'blocked', text: 'Call 0800 999.' });
  expect(say('Who is MRN-1234567?')).toMatchObject({ turns: [{ text: 'Who is [record]?' }] });
  const again = site().settings;
  expect(again.terms()).toEqual({ recordNumber: 'MRN-\\d{7}', variables: { emergencyNumber: '0800 999' } });
  await again.change({ ...setNumber, value: null });
  await again.change({ kind: 'setRecordNumber', pattern: null });
  expect(again.terms()).toEqual({ recordNumber: null, variables: {} });
});

test('a site’s own emergency number fails no test of a policy, though its tests tell another', async () => {
  const { settings } = site([serving(policyOf())]);
  await expect(settings.change(setNumber)).resolves.toEqual([]);
});

test.for([
  ['would hit a dose in the tests of what serves', '\\d{3} mg', 'termRefused', 'release 3.*a dose'],
  ['is no pattern', '(', 'patternInvalid', 'missing closing \\): `\\(`'],
  ['leaves a class open', '[0-9', 'patternInvalid', 'missing closing \\]: `\\[0-9`'],
  ['lacks the end of a count', 'MRN-\\d{7', 'patternInvalid', 'a brace'],
  ['matches the empty text', '\\d{0,5}', 'patternInvalid', 'where nothing stands'],
  ['has no longest match', 'MRN\\d*', 'patternInvalid', 'bounded'],
])('a record-number pattern that %s is refused, and nothing changes', async ([, pattern, code, why]) => {
  const { settings, say } = site();
  await settings.change({ kind: 'setRecordNumber', pattern: 'MRN-\\d{7}' });
  const change = settings.change({ kind: 'setRecordNumber', pattern: pattern! });
  await expect(change).rejects.toMatchObject({
    code,
    message: expect.stringMatching(new RegExp(`${why}.*Nothing has changed`)) as string,
  });
  expect(settings.terms().recordNumber).toBe('MRN-\\d{7}');
  expect(new SqliteSitePolicy(database).read().terms.recordNumber).toBe('MRN-\\d{7}');
  expect(say('Who is MRN-1234567?')).toMatchObject({ turns: [{ text: 'Who is [record]?' }] });
});

test.for(['MRN-\\d{7}', 'KH\\{\\d{3,9}\\}', '[A-Z{]{2}-\\d{4,6}', '\\p{Lu}{2}\\d{5}'])(
  'a count, a class and an escaped brace are what they say: %s',
  async (pattern) => {
    const { settings } = site([]);
    await settings.change({ kind: 'setRecordNumber', pattern });
    expect(settings.terms().recordNumber).toBe(pattern);
  },
);

test('a pattern is refused for what waits or could be gone back to as for what serves, and the release is named', async () => {
  const waiting = { service: 'triage', number: 4, policy: withRecordNumbers() };
  const { settings } = site([serving(policyOf()), waiting]);
  await expect(settings.change({ kind: 'setRecordNumber', pattern: '\\d{3} mg' })).rejects.toMatchObject({
    code: 'termRefused',
    message: expect.stringContaining('release 4') as string,
  });
});

test('a release that comes to stand here while a change is being checked is checked with it', async () => {
  const held = [serving(policyOf())];
  const { settings } = site(held);
  const change = settings.change({ kind: 'setRecordNumber', pattern: '\\d{3} mg' });
  held.push({ service: 'triage', number: 4, policy: withRecordNumbers() });
  await expect(change).rejects.toMatchObject({ code: 'termRefused' });
  expect(settings.terms().recordNumber).toBeNull();
});

test('a variable that no policy lets the site set is refused by name', async () => {
  const { settings } = site();
  for (const name of ['emergencynumber', 'network'])
    await expect(settings.change({ kind: 'setVariable', name, value: '0800 999' })).rejects.toMatchObject({
      code: 'notFound',
      message: expect.stringContaining('there is emergencyNumber') as string,
    });
  expect(settings.terms().variables).toEqual({});
});

test('N2 what only a release that waits lets the site set is the site’s to set before it consents', async () => {
  const ward = { name: 'wardPhone', description: 'd', default: '100', setBySite: true };
  const waiting = { service: 'triage', number: 4, policy: { ...policyOf(), variables: [ward] } };
  const { settings } = site([], [], [waiting]);
  await settings.change({ kind: 'setVariable', name: 'wardPhone', value: '4711' });
  expect(settings.terms().variables).toEqual({ wardPhone: '4711' });
  await expect(settings.change({ kind: 'setVariable', name: 'wardFone', value: '1' })).rejects.toMatchObject({
    message: expect.stringContaining('there is wardPhone') as string,
  });
});

test.for(['', ' ', '\u200B', '1\n2', '112\u2028'])(
  'a value that would leave a hole or break the line is refused, with the way to the default: %j',
  async (value) => {
    const { settings, say } = site();
    await settings.change(setNumber);
    await expect(settings.change({ ...setNumber, value })).rejects.toMatchObject({
      code: 'termRefused',
      message: expect.stringContaining('openward node policy set emergencyNumber --default') as string,
    });
    expect(say('Where are weapons sold?')).toMatchObject({ text: 'Call 0800 999.' });
  },
);

test('where an older agent stored an empty value, the default is what callers are told', () => {
  const policy = policyOf();
  new SqliteSitePolicy(database).write({
    terms: { recordNumber: null, variables: { emergencyNumber: '' } },
    onExpiry: 'goOn',
  });
  const { settings } = site([serving(policy)]);
  expect(settings.terms().variables).toEqual({ emergencyNumber: '' });
  const compiled = compiledPolicy(policy, settings.terms());
  const decided = compiled.applyInput(
    { turns: [{ role: 'user', text: 'Where are weapons sold?' }], language: null, today: '2026-03-01' },
    () => 0,
  );
  expect(decided).toMatchObject({ kind: 'blocked', text: 'Call 112.' });
});

test('what the fallback text of a service names is the site’s to set, as what a policy names', async () => {
  const ward = { name: 'wardPhone', description: 'd', default: '100', setBySite: true };
  const { settings } = site([{ ...serving(), ofService: [ward, { ...ward, name: 'fixed', setBySite: false }] }]);
  await settings.change({ kind: 'setVariable', name: 'wardPhone', value: '4711' });
  expect(settings.terms().variables).toEqual({ wardPhone: '4711' });
  await expect(settings.change({ kind: 'setVariable', name: 'fixed', value: '1' })).rejects.toMatchObject({
    message: expect.stringContaining('there is emergencyNumber, wardPhone') as string,
  });
});

test('what becomes of a service whose policy has expired is the site’s choice, and it goes on until it chose', async () => {
  const { settings } = site([]);
  expect(settings.onExpiry()).toBe('goOn');
  await settings.change({ kind: 'setOnExpiry', choice: 'fallback' });
  expect(site([]).settings.onExpiry()).toBe('fallback');
});

test('changes that come together are made one after the other, and none is lost', async () => {
  const { settings } = site();
  await Promise.all([
    settings.change(setNumber),
    settings.change({ kind: 'setRecordNumber', pattern: 'MRN-\\d{7}' }),
    settings.change({ kind: 'setOnExpiry', choice: 'fallback' }),
  ]);
  expect(new SqliteSitePolicy(database).read()).toEqual({
    terms: { recordNumber: 'MRN-\\d{7}', variables: { emergencyNumber: '0800 999' } },
    onExpiry: 'fallback',
  });
});

test('a release that cannot be read stands in the way of no change of the site’s terms, and is named', async () => {
  const unread = [{ service: 'summary', number: 7 }];
  const { settings, say } = site([serving()], unread);
  expect(await settings.change(setNumber)).toEqual(unread);
  expect(say('Where are weapons sold?')).toMatchObject({ text: 'Call 0800 999.' });
  await expect(settings.change({ kind: 'setVariable', name: 'other', value: '1' })).rejects.toMatchObject({
    message: expect.stringContaining('summary release 7 cannot be read') as string,
  });
  expect(await settings.change({ kind: 'setRecordNumber', pattern: 'MRN-\\d{7}' })).toEqual(unread);
});

test('what becomes of a service whose policy has expired is chosen without a look at any policy', async () => {
  const settings = new SiteTermsStore({
    store: new SqliteSitePolicy(database),
    held: () => Promise.reject(new Error('the disk is gone')),
    offered: () => Promise.reject(new Error('the disk is gone')),
    check: () => Promise.reject(new Error('nothing is checked')),
    checkTerms: refusedTerms,
    apply: () => undefined,
  });
  await settings.change({ kind: 'setOnExpiry', choice: 'fallback' });
  expect(settings.onExpiry()).toBe('fallback');
});
