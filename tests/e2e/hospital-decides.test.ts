import { expect, it } from 'vitest';
import { aNetwork, siteIn } from './fixture.ts';
import { hospital, partOf, statusOf } from './steps/hospital.ts';
import { ledgerOf, reportsIn } from './steps/ledger.ts';
import { haveUnloadableModel, releaseOfUnloadableModel } from './steps/unloadable.ts';
import { nodeIn, service } from './steps/service.ts';

// Design, guarantee 2: the hospital decides, before anything is fetched and again before it serves, and offline too.

const FALLBACK = 'Use the printed triage protocol.';
const { given } = aNetwork();

it('without a standing rule a release waits, nothing of it is fetched, and it goes on only when the site has accepted it twice (N2)', () => {
  const lakeside = hospital('lakeside');
  const triage = service('triage-consent');
  return given(lakeside.opens({ records: [triage.name] }), triage.hasReleases([1], 'thorough'))
    .when(triage.rollsOut({ release: 1, waves: [['lakeside']] }))
    .then(
      triage.showsWaiting('lakeside', 'consentToPrepare', 'site'),
      lakeside.isAsked(triage.name, 'prepare'),
      lakeside.storeHolds(0),
      lakeside.accepts(triage.name, 'prepare'),
      triage.showsWaiting('lakeside', 'suiteNotAccepted', 'site'),
      lakeside.acceptsSuite(triage.name),
      triage.showsWaiting('lakeside', 'consentToActivate', 'site'),
      lakeside.isRefused(triage.name, 'notServing', 'no release that serves now'),
      lakeside.accepts(triage.name, 'activate'),
      triage.rolloutEnds('completed'),
      lakeside.isAnsweredBy(triage.name, 1),
    );
});

it('a rejected release has ended there with its reason code, nothing of it was fetched, and the words of the reason stay (N2, P6)', () => {
  const hillside = hospital('hillside');
  const triage = service('triage-reject');
  const words = 'not before the head nurse is back';
  return given(hillside.opens(), triage.hasReleases([1]))
    .when(
      triage.rollsOut({ release: 1, waves: [['hillside']] }),
      hillside.isAsked(triage.name, 'prepare'),
      hillside.rejects(triage.name, words),
    )
    .then(
      triage.shows('hillside', {
        step: 'rejected',
        reason: 'rejectedBySite',
        outcome: 'noChange',
        standing: 'declined',
      }),
      hillside.storeHolds(0),
      async (world) => {
        for (const { bytes } of await ledgerOf(siteIn(world, 'hillside')))
          expect(bytes.toString('latin1')).not.toContain(words);
      },
    );
});

it('a halted service stays halted whatever the network says, and resumes at the site alone (N5)', () => {
  const island = hospital('island');
  const triage = service('triage-halt');
  return given(
    island.opens({ prepares: [triage.name], activates: [triage.name] }),
    triage.hasReleases([1, 2]),
    triage.rollsOut({ release: 1, waves: [['island']] }),
    triage.rolloutEnds('completed'),
  )
    .when(
      island.lineIsCut(),
      island.isCutOff(),
      island.halts(triage.name),
      // The network has not heard of the halt, and offers the next release.
      triage.rollsOut({ release: 2, waves: [['island']] }),
      island.lineIsMended(),
    )
    .then(
      triage.showsWaiting('island', 'halted', 'site'),
      island.isRefused(triage.name, 'halted', FALLBACK),
      island.agentIsKilled(),
      island.agentStarts(),
      island.isRefused(triage.name, 'halted', FALLBACK),
      island.resumes(triage.name),
      triage.rolloutEnds('completed'),
      island.isAnsweredBy(triage.name, 2),
    );
});

it('a release of another service voids no evidence: neither what is being measured nor what waits for consent (R2)', () => {
  const valley = hospital('valley');
  const [triage, letters, notes] = [service('triage-both'), service('letters'), service('notes')];
  let generation = 0;
  return given(
    valley.opens({
      prepares: [triage.name, letters.name, notes.name],
      activates: [letters.name, notes.name],
      records: [triage.name],
    }),
    triage.hasReleases([1], 'thorough'),
    letters.hasReleases([1]),
    notes.hasReleases([1]),
  )
    .when(
      triage.rollsOut({ release: 1, waves: [['valley']] }),
      valley.acceptsSuite(triage.name),
      valley.is(triage.name, 'evaluating', 1),
      async (world) => (generation = (await statusOf(world, 'valley')).report.generation?.number ?? 0),
      letters.rollsOut({ release: 1, waves: [['valley']] }),
      valley.isAsked(triage.name, 'activate'),
      notes.rollsOut({ release: 1, waves: [['valley']] }),
      letters.rolloutEnds('completed'),
      notes.rolloutEnds('completed'),
      triage.showsWaiting('valley', 'consentToActivate', 'site'),
      valley.accepts(triage.name, 'activate'),
    )
    .then(
      triage.rolloutEnds('completed'),
      async (world) => {
        expect((await statusOf(world, 'valley')).report.generation?.number).toBeGreaterThan(generation);
        const { assignment } = await nodeIn(world, triage.name, 'valley');
        const reports = reportsIn(siteIn(world, 'valley'), await ledgerOf(siteIn(world, 'valley')));
        expect(reports.filter(({ body }) => body.type === 'evidence' && body.assignment === assignment)).toHaveLength(
          1,
        );
        // It never went back to an earlier quarter of the evaluation, nor began again.
        const quarters = reports.flatMap(({ body }) =>
          body.type === 'state'
            ? body.services.flatMap((one) =>
                one.assignment?.assignment === assignment ? [one.assignment.progress ?? -1] : [],
              )
            : [],
        );
        const measured = quarters.filter((quarter) => quarter >= 0);
        expect(measured).toEqual(measured.toSorted((a, b) => a - b));
      },
      valley.isAnsweredBy(triage.name, 1),
      valley.isAnsweredBy(letters.name, 1),
    );
});

it('a model that the runtime will not load fails where it is staged, says so, and the node keeps its release', () => {
  const harbour = hospital('harbour');
  const triage = service('triage-unloadable');
  return given(
    harbour.opens({ prepares: [triage.name], activates: [triage.name] }),
    triage.hasReleases([1]),
    triage.rollsOut({ release: 1, waves: [['harbour']] }),
    triage.rolloutEnds('completed'),
    haveUnloadableModel,
    releaseOfUnloadableModel(triage.name),
  )
    .when(triage.rollsOut({ release: 2, waves: [['harbour']] }))
    .then(
      triage.shows('harbour', { step: 'failed', reason: 'modelNotLoadable', outcome: 'noChange', standing: 'failed' }),
      harbour.isAnsweredBy(triage.name, 1),
      async (world) =>
        expect(partOf(await statusOf(world, 'harbour'), triage.name)).toMatchObject({ serving: 'serving' }),
    );
});
