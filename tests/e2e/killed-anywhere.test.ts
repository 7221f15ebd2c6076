import { it } from 'vitest';
import { aNetwork } from './fixture.ts';
import { hospital } from './steps/hospital.ts';
import { controlPlane } from './steps/network.ts';
import { service } from './steps/service.ts';

// Design, guarantee 8: node and control plane survive `kill -9` at every step, and what was begun ends as it would have.

const { given } = aNetwork();

it('a rollout ends as it would have when the agent is killed while it fetches', () => {
  const north = hospital('north');
  const triage = service('triage-fetch');
  return given(
    north.opens({ prepares: [triage.name], activates: [triage.name], bytesPerSecond: 700_000 }),
    triage.hasReleases([1]),
  )
    .when(
      triage.rollsOut({ release: 1, waves: [['north']] }),
      north.hasFetchedSome(triage.name),
      north.agentIsKilled(),
      north.agentStarts(),
    )
    .then(triage.rolloutEnds('completed'), north.isAnsweredBy(triage.name, 1));
});

it('a rollout ends as it would have when the agent is killed while it evaluates', () => {
  const east = hospital('east');
  const triage = service('triage-evaluate');
  return given(
    east.opens({ prepares: [triage.name], activates: [triage.name], records: [triage.name] }),
    triage.hasReleases([1], 'thorough'),
  )
    .when(
      triage.rollsOut({ release: 1, waves: [['east']] }),
      east.acceptsSuite(triage.name),
      east.is(triage.name, 'evaluating', 1),
      east.agentIsKilled(),
      east.agentStarts(),
    )
    .then(triage.rolloutEnds('completed'), east.isAnsweredBy(triage.name, 1));
});

it('a rollout ends as it would have when the agent is killed just after the entry that switches (R4)', () => {
  const south = hospital('south');
  const triage = service('triage-activate');
  return given(south.opens({ prepares: [triage.name] }), triage.hasReleases([1]))
    .when(
      triage.rollsOut({ release: 1, waves: [['south']] }),
      south.isAsked(triage.name, 'activate'),
      south.runtimeFreezes(),
      south.accepts(triage.name, 'activate'),
      south.is(triage.name, 'probing'),
      south.agentIsKilled(),
      south.agentStarts(),
    )
    .then(triage.rolloutEnds('completed'), south.isAnsweredBy(triage.name, 1));
});

it('a rollout ends as it would have when the control plane is killed between waves, and no wave begins twice (R9)', () => {
  const [first, second] = [hospital('canary'), hospital('second')];
  const triage = service('triage-waves');
  const rules = { prepares: [triage.name], activates: [triage.name] };
  return given(first.opens(rules), second.opens(rules), triage.hasReleases([1]))
    .when(
      triage.rollsOut({ release: 1, waves: [['canary'], ['second']], soakMs: 1500 }),
      first.is(triage.name, 'active'),
      controlPlane.isKilled(),
      first.hasSoaked(triage.name),
      controlPlane.starts(),
      triage.passesWave(0),
      controlPlane.isKilled(),
      controlPlane.starts(),
    )
    .then(
      triage.rolloutEnds('completed'),
      triage.beganEachWaveOnce(2),
      first.isAnsweredBy(triage.name, 1),
      second.isAnsweredBy(triage.name, 1),
    );
});

it('a node goes on with a network that has changed its keys, from the set that it pinned (K1)', () => {
  const clinic = hospital('keyed');
  const triage = service('triage-keys');
  return given(clinic.opens({ prepares: [triage.name], activates: [triage.name] }), triage.hasReleases([1]))
    .when(
      controlPlane.changesItsKeys(),
      controlPlane.changesItsKeys(),
      triage.rollsOut({ release: 1, waves: [['keyed']] }),
    )
    .then(triage.rolloutEnds('completed'), clinic.isAnsweredBy(triage.name, 1));
});

it('two replicas of the control plane carry one rollout to its end, and begin each wave once (R9)', () => {
  const [first, second] = [hospital('left'), hospital('right')];
  const triage = service('triage-replicas');
  const rules = { prepares: [triage.name], activates: [triage.name] };
  return given(controlPlane.hasAReplica(), first.opens(rules), second.opens(rules), triage.hasReleases([1]))
    .when(triage.rollsOut({ release: 1, waves: [['left'], ['right']] }))
    .then(
      triage.rolloutEnds('completed'),
      triage.beganEachWaveOnce(2),
      first.isAnsweredBy(triage.name, 1),
      second.isAnsweredBy(triage.name, 1),
    );
});
