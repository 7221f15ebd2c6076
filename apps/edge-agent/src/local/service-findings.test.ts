import type { Held, Offer, Standing } from '@openward/activation';
import { expect, test } from 'vitest';
import { serviceFindings, standingViews, type ServiceFacts } from './service-findings.ts';

const way = (number: number, isAnchor: boolean) => ({ to: { number } as Held, isAnchor });
const standing = (given: Partial<Standing> = {}): Standing => ({
  service: 'triage',
  number: 3,
  pinned: false,
  hasServed: true,
  isOnAnchor: false,
  behind: null,
  recalled: null,
  wayBack: null,
  ...given,
});
const facts = (given: Partial<Standing> = {}, rest: Partial<ServiceFacts> = {}): ServiceFacts => ({
  offers: [],
  standings: [standing(given)],
  stopped: [{ service: 'triage', stopped: null }],
  ...rest,
});
const closed = (stopped: 'halted' | 'recalled' | 'noRelease' | 'loading', given: Partial<Standing> = {}) =>
  serviceFindings(facts({ number: null, ...given }, { stopped: [{ service: 'triage', stopped }] }))[0];
const offer = (given: Partial<Offer>): Offer =>
  ({ service: 'triage', number: 4, question: null, waitsSince: null, ...given }) as Offer;

test('nothing is said of a service that stands where the network wants it', () => {
  expect(serviceFindings(facts())).toEqual([]);
});

test('N5 a service on the anchor by the site’s own hand is told of, with what is newer and how to take it up', () => {
  const [only, ...others] = serviceFindings(
    facts({ number: 1, isOnAnchor: true, pinned: true, behind: { number: 3, isBySite: true, isOver: true } }),
  );
  expect(others).toEqual([]);
  expect(only).toMatchObject({ level: 'warning', what: 'triage', clearedBy: 'site' });
  expect(only?.why).toMatch(/release 1, the anchor.*own hand.*pinned.*release 3 is the newest/);
  expect(only?.next).toMatch(/^openward node unpin triage; then ask a network admin to offer release 3 here again/);
});

test('N3 where the pin is lifted already, only a network admin can offer it again', () => {
  const behind = { number: 3, isBySite: true, isOver: true };
  expect(serviceFindings(facts({ number: 2, behind }))[0]).toMatchObject({
    clearedBy: 'networkAdmin',
    next: expect.stringMatching(/^ask a network admin/) as string,
  });
});

test('what waits here for a pin is told of once, with the command that lifts it', () => {
  const offers = [offer({ waitsFor: 'pinned' })];
  const behind = { number: 4, isBySite: true, isOver: false };
  const found = serviceFindings(facts({ pinned: true, behind }, { offers }));
  expect(found.map(({ what, next }) => [what, next])).toEqual([
    ['triage release 4', 'openward node unpin triage'],
    ['triage', 'openward node unpin triage, for whatever the network wants'],
  ]);
});

test('an offer that waits says for what in words, since when, and who ends it', () => {
  const offers = [offer({ question: 'prepare', waitsFor: 'consentToPrepare', waitsSince: 0 })];
  expect(serviceFindings(facts({}, { offers }))[0]).toMatchObject({
    what: 'triage release 4',
    why: 'nobody here has said whether it may be fetched and evaluated',
    next: 'openward node accept triage, or defer, or reject',
    clearedBy: 'site',
    since: '1970-01-01T00:00:00.000Z',
  });
});

test('a service that a recall closed is an error, and says what a person here can do', () => {
  const found = closed('recalled', { recalled: 3, wayBack: way(1, true) });
  expect(found).toMatchObject({ level: 'problem', clearedBy: 'site' });
  expect(found?.why).toContain('release 3 was recalled');
  expect(found?.next).toMatch(/openward node rollback triage --release 1 serves release 1, the anchor.*network admin/);
});

test('where nothing is left here it is for a network admin, or for whoever answers what waits', () => {
  expect(closed('noRelease', { recalled: 3 })).toMatchObject({
    level: 'problem',
    clearedBy: 'networkAdmin',
    next: 'a network admin can roll out another release',
  });
  const offers = [offer({ question: 'activate', waitsFor: 'consentToActivate' })];
  const stopped = [{ service: 'triage', stopped: 'noRelease' as const }];
  expect(serviceFindings(facts({ number: null, recalled: 3 }, { offers, stopped })).at(-1)).toMatchObject({
    clearedBy: 'site',
    next: expect.stringContaining('release 4 waits here') as string,
  });
});

test('the doctor says since when a service is closed', () => {
  const stopped = [{ service: 'triage', stopped: 'halted' as const, since: 0 }];
  expect(serviceFindings(facts({}, { stopped }))[0]?.since).toBe('1970-01-01T00:00:00.000Z');
});

test('a halted service is an error until it is resumed; one that never served, or is being loaded, is none', () => {
  expect(closed('halted')).toMatchObject({ level: 'problem', next: 'openward node resume triage' });
  expect(closed('noRelease', { hasServed: false })).toMatchObject({ level: 'warning' });
  expect(closed('loading')).toMatchObject({ level: 'warning', clearedBy: 'time' });
});

test('status says beforehand what a step back goes to', () => {
  expect(standingViews(facts({ wayBack: way(2, false) }))).toEqual([
    { service: 'triage', wayBack: { number: 2, isAnchor: false }, findings: [] },
  ]);
});
