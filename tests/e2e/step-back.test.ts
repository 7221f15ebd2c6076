import { until } from '@openward/testkit';
import { expect, it } from 'vitest';
import { aNetwork, siteIn, type Step, type World } from './fixture.ts';
import { ask, hospital } from './steps/hospital.ts';
import { policyOf } from './steps/policy.ts';
import { service } from './steps/service.ts';

// A hospital's own step back, and its way out where a recall has left nothing that a plan named.

const { given } = aNetwork();

const harbour = hospital('harbour');
const triage = service('triage-back');
const goesOut = (release: number): Step[] => [
  ...(release === 1
    ? [triage.beginsUnder(policyOf('back', {}))]
    : [
        triage.hasReleaseUnder(
          policyOf('back', { revision: release, description: `Revision ${release}.` }),
          'policyText',
        ),
      ]),
  triage.rollsOut({ release, waves: [['harbour']] }),
  triage.rolloutEnds('completed'),
];

const stepsBack = (world: World, to?: number) =>
  siteIn(world, 'harbour').local('POST', '/commands', {
    kind: 'rollback',
    service: triage.name,
    ...(to === undefined ? {} : { to }),
  });

/** What the node's own doctor says of the service, once it says something of this kind. */
const doctorSays =
  (level: string, why: RegExp, next: RegExp): Step =>
  async (world) => {
    const { local } = siteIn(world, 'harbour');
    await until(
      async () => {
        const { findings } = await local<{ findings: Record<'level' | 'what' | 'why' | 'next', string>[] }>(
          'GET',
          '/doctor',
        );
        return findings.some(
          (one) => one.what === triage.name && one.level === level && why.test(one.why) && next.test(one.next),
        );
      },
      { within: 30_000, what: `the doctor of harbour says ${String(why)}` },
    );
  };

it('N5 a recall that leaves nothing a plan named closes the service; a person there is told, and goes to the anchor by its number', () =>
  given(
    harbour.opens({ prepares: [triage.name], activates: [triage.name] }),
    ...[1, 2, 3].flatMap((release) => goesOut(release)),
    harbour.isAnsweredBy(triage.name, 3),
  )
    .when(async (world) => {
      const { standing } = await siteIn(world, 'harbour').local<{ standing: unknown }>('GET', '/status');
      expect(standing).toMatchObject([{ service: triage.name, wayBack: { number: 1, isAnchor: true }, findings: [] }]);
      await expect(stepsBack(world)).rejects.toThrow('No plan named the only earlier release that is here');
      await world.network.api.releases.recall(triage.name, 3, 'harm');
    })
    .then(
      doctorSays('problem', /closed: release 3 was recalled/, /openward node rollback triage-back --release 1 serves/),
      async (world) => {
        expect((await ask(world, 'harbour', triage.name)).status).toBe(503);
        await expect(stepsBack(world)).rejects.toThrow('--release 1');
        await expect(stepsBack(world, 2)).rejects.toThrow('It would go back to release 1');
        expect(await stepsBack(world, 1)).toMatchObject({ serves: { number: 1 } });
        await until(async () => (await ask(world, 'harbour', triage.name)).release === '1', {
          within: 30_000,
          what: 'release 1 answers again',
        });
      },
      doctorSays('warning', /stands on release 1, the anchor.*pinned/, /openward node unpin/),
    ));
