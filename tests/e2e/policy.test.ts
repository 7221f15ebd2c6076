import { until } from '@openward/testkit';
import { beforeAll, expect, it } from 'vitest';
import { aNetwork, siteIn, type Step, type World } from './fixture.ts';
import { clinicAt } from './steps/clinic.ts';
import { ask, hospital, statusOf } from './steps/hospital.ts';
import { ledgerOf, openEntry } from './steps/ledger.ts';
import { formsOf } from './steps/markers.ts';
import {
  escalating,
  hidingRecordNumbers,
  hostilePolicies,
  loadedEachOnce,
  meterOf,
  policyOf,
  rewriting,
  sets,
  slippedIn,
  type CountedHit,
} from './steps/policy.ts';
import { endpoints, replyOf } from './steps/replies.ts';
import { rolloutOf, service } from './steps/service.ts';

// A change of prompt policy alone is a release like any other: waves, gates, consent and rollback; and it loads no model. What a
// hospital reads of a policy, and what its own words do, is in `site-policies.test.ts`.

const { given, world } = aNetwork();

/** North lets everything pass; at south somebody answers for each release. */
const [north, south] = [hospital('north'), hospital('south')];
const moved = service('triage-moved');
const shadowed = service('triage-beside');
const tested = service('triage-tested');
const hostile = service('triage-hostile');
const killed = service('triage-killed');
const expiring = service('triage-expiring');
const streamed = service('triage-streamed');
const all = [moved, shadowed, tested, hostile, killed, expiring, streamed].map(({ name }) => name);

beforeAll(async () => {
  await Promise.all([north.opens({ prepares: all, activates: all })(world()), south.opens()(world())]);
});

/** The service's release goes live there, whoever has to be asked. */
const servesAt = (
  { name }: { readonly name: string },
  site: { readonly name: string },
  release: number,
): readonly Step[] => {
  const of = service(name);
  const asked = site.name === 'south' ? [south.accepts(name, 'prepare'), south.accepts(name, 'activate')] : [];
  return [of.rollsOut({ release, waves: [[site.name]] }), ...asked, of.rolloutEnds('completed')];
};
/** What stands before the answer to a red flag; null: nothing does. */
const isTold =
  (name: string, of: string, told: string | null): Step =>
  async (at) => {
    const { status, text } = await ask(at, name, of);
    expect({ status, told: /Call [^.]*\./.exec(text)?.[0] ?? null }, text).toEqual({ status: 200, told });
  };

it('a change of policy alone goes by waves, gates and consent, and back, without a failed request, a load or weights (R3, R6)', () => {
  const [atNorth, atSouth] = [clinicAt('north', moved.name), clinicAt('south', moved.name)];
  const meters = [meterOf('north'), meterOf('south')];
  const waves = [['north'], ['south']];
  return given(
    moved.beginsUnder(policyOf('moved', {})),
    moved.rollsOut({ release: 1, waves: [['north', 'south']] }),
    south.accepts(moved.name, 'prepare'),
    south.accepts(moved.name, 'activate'),
    moved.rolloutEnds('completed'),
    ...meters.map((meter) => meter.reads()),
    moved.hasReleaseUnder(escalating('moved', { revision: 2 })),
  )
    .when(
      atNorth.begins(),
      atSouth.begins(),
      moved.rollsOut({ release: 2, waves }),
      south.accepts(moved.name, 'prepare'),
      south.accepts(moved.name, 'activate'),
      moved.rolloutEnds('completed'),
      async (at) => {
        const { waves: gates, nodes } = await rolloutOf(at, moved.name);
        expect(gates.map(({ verdict }) => verdict)).toEqual(['pass', 'pass']);
        expect(nodes.map(({ gate }) => gate?.verdict)).toEqual(['pass', 'pass']);
      },
      moved.hasReleaseUnder(escalating('moved', { revision: 3, now: 'at once' })),
      moved.rollsOut({ release: 3, waves, soakMs: 2000 }),
      south.accepts(moved.name, 'prepare'),
      south.accepts(moved.name, 'activate'),
      south.is(moved.name, 'active'),
      atSouth.isAnsweredBy(3),
      moved.isRolledBack('the old text was better'),
    )
    .then(
      moved.rolloutEnds('rolledBack'),
      isTold('north', moved.name, 'Call 112 first.'),
      isTold('south', moved.name, 'Call 112 first.'),
      atNorth.wasAnsweredBy(1, 2, 3),
      atSouth.wasAnsweredBy(1, 2, 3),
      () => {
        const told = new Map([
          ['1', undefined],
          ['2', 'first'],
          ['3', 'at once'],
        ]);
        // No reply is under the policy of another release than its header names.
        for (const { release, text } of [...atNorth.answers(), ...atSouth.answers()])
          expect(/Call 112 (first|at once)/.exec(text)?.[1]).toBe(told.get(release ?? ''));
      },
      ...meters.flatMap((meter) => [meter.showsNoLoad(), meter.showsNoWeights()]),
    );
});

it('what a shadow counts of live traffic changes no reply, ends when the release goes live, and stands in no disclosure (P7)', () => {
  const by = 'Dr Ngozi Adichie-Meier';
  const hits = async (at: World): Promise<readonly CountedHit[]> => {
    const counted = await siteIn(at, 'south').local<{ items: readonly CountedHit[] }>(
      'GET',
      `/policy/hits/${shadowed.name}`,
    );
    return counted.items.filter(({ mode }) => mode === 'next');
  };
  let whileItRan = 0;
  return given(
    shadowed.beginsUnder(policyOf('beside', {})),
    ...servesAt(shadowed, south, 1),
    shadowed.hasReleaseUnder(escalating('beside', { revision: 2 })),
  )
    .when(
      shadowed.rollsOut({ release: 2, waves: [['south']] }),
      south.accepts(shadowed.name, 'prepare'),
      south.isAsked(shadowed.name, 'activate'),
      (at) =>
        siteIn(at, 'south').local('POST', '/policy/shadows', {
          service: shadowed.name,
          until: Date.now() + 3_600_000,
          by,
        }),
      (at) =>
        until(
          async () => {
            await isTold('south', shadowed.name, null)(at);
            return (await hits(at)).some(({ rule, count }) => rule === 'speech' && count >= 3);
          },
          { within: 30_000, every: 20, what: 'the shadow has counted three questions' },
        ),
      south.accepts(shadowed.name, 'activate'),
      shadowed.rolloutEnds('completed'),
      async (at) => {
        const counted = await hits(at);
        // Each question hit the rule, and none was judged twice.
        expect(counted).toMatchObject([
          { rule: null, action: 'judged' },
          { rule: 'speech', stage: 'input', action: 'escalate' },
        ]);
        expect(counted[0]?.count).toBe(counted[1]?.count);
        whileItRan = counted[1]?.count ?? 0;
      },
      isTold('south', shadowed.name, 'Call 112 first.'),
    )
    .then(async (at) => {
      const site = siteIn(at, 'south');
      const { items } = await site.local<{ items: readonly object[] }>('GET', '/policy/shadows');
      expect(items).toMatchObject([{ by, ended: { why: 'activated' } }]);
      expect((await hits(at))[1]?.count).toBe(whileItRan);
      const words = [by, 'Adichie', 'speech', 'shadow'].flatMap(formsOf);
      for (const row of await ledgerOf(site)) {
        // Its schema is strict, and has no place for such a count.
        expect(() => openEntry(site, row)).not.toThrow();
        expect(words.filter((word) => row.bytes.includes(word)).map(String)).toEqual([]);
      }
    });
});

it('a release whose policy fails its own test with a site’s record numbers ends there, with nothing changed, and the rollout goes back', () => {
  const meters = [meterOf('north'), meterOf('south')];
  return given(
    tested.beginsUnder(policyOf('tested', {})),
    tested.rollsOut({ release: 1, waves: [['north', 'south']] }),
    south.accepts(tested.name, 'prepare'),
    south.accepts(tested.name, 'activate'),
    tested.rolloutEnds('completed'),
    sets('north', { kind: 'setRecordNumber', pattern: 'MRN-[0-9]{6}' }),
    sets('south', { kind: 'setRecordNumber', pattern: '[0-9]{7}' }),
    tested.hasReleaseUnder(hidingRecordNumbers('tested', { revision: 2 })),
    ...meters.map((meter) => meter.reads()),
  )
    .when(
      tested.rollsOut({ release: 2, waves: [['north'], ['south']] }),
      south.accepts(tested.name, 'prepare'),
      tested.shows('south', { step: 'failed', reason: 'policyTestFailed', outcome: 'noChange', standing: 'failed' }),
    )
    .then(
      tested.rolloutEnds('rolledBack'),
      north.isAnsweredBy(tested.name, 1),
      south.isAnsweredBy(tested.name, 1),
      ...meters.flatMap((meter) => [meter.showsNoLoad(), meter.showsNoWeights()]),
      async (at) => {
        const { policyRefusals } = await statusOf(at, 'south');
        expect(policyRefusals).toMatchObject([{ service: tested.name, number: 2 }]);
        const [own, failed] = policyRefusals[0]?.findings ?? [];
        expect(own).toMatchObject({ code: 'siteTermInvalid', where: 'record-number [0-9]{7}' });
        expect(failed).toMatchObject({ code: 'testFailed', where: 'tests[0]' });
        const pattern = formsOf('[0-9]{7}');
        for (const { bytes } of await ledgerOf(siteIn(at, 'south')))
          expect(pattern.some((form) => bytes.includes(form))).toBe(false);
      },
      sets('south', { kind: 'setRecordNumber', pattern: null }),
    );
});

it('a hostile policy that nobody pushed is refused by the node that gets it, which serves all the while', () => {
  const atNorth = clinicAt('north', hostile.name);
  const meter = meterOf('north');
  const refused = hostilePolicies('hostile').flatMap(({ policy, reason }, at): Step[] => [
    slippedIn(policy),
    hostile.hasReleaseOf({ id: policy.id, revision: policy.revision }),
    hostile.rollsOut({ release: at + 2, waves: [['north']] }),
    hostile.shows('north', { step: 'failed', reason, outcome: 'noChange', standing: 'failed' }),
    hostile.rolloutEnds('rolledBack'),
  ]);
  return given(hostile.beginsUnder(policyOf('hostile', {})), ...servesAt(hostile, north, 1), meter.reads())
    .when(atNorth.begins(), ...refused)
    .then(atNorth.wasAnsweredBy(1), meter.showsNoLoad());
});

it('an agent killed while a policy waits, and again just after the switch, ends as it would have and loads nothing twice (R4)', () =>
  given(
    killed.beginsUnder(policyOf('killed', {})),
    ...servesAt(killed, south, 1),
    killed.hasReleaseUnder(escalating('killed', { revision: 2 })),
  )
    .when(
      killed.rollsOut({ release: 2, waves: [['south']] }),
      south.accepts(killed.name, 'prepare'),
      south.isAsked(killed.name, 'activate'),
      south.agentIsKilled(),
      south.agentStarts(),
      isTold('south', killed.name, null),
      south.accepts(killed.name, 'activate'),
      killed.rolloutEnds('completed'),
      isTold('south', killed.name, 'Call 112 first.'),
      loadedEachOnce('south'),
      killed.hasReleaseUnder(escalating('killed', { revision: 3, now: 'at once' })),
      killed.rollsOut({ release: 3, waves: [['south']] }),
      south.accepts(killed.name, 'prepare'),
      south.isAsked(killed.name, 'activate'),
      south.runtimeFreezes(),
      south.accepts(killed.name, 'activate'),
      south.is(killed.name, 'probing'),
      south.agentIsKilled(),
      south.agentStarts(),
    )
    .then(killed.rolloutEnds('completed'), isTold('south', killed.name, 'Call 112 at once.'), loadedEachOnce('south')));

it('the site’s own number is told at once, after a kill, and under an expired policy, unless the site chose the fallback text', () => {
  // The release goes live before that, since no permit is given after it.
  const expires = new Date(Date.now() + 18_000).toISOString();
  const hasExpired = async (at: World): Promise<boolean> => {
    const { policies } = await siteIn(at, 'north').local<{
      policies: readonly { service: string; expiry: { state: string } }[];
    }>('GET', '/policy');
    return policies.some(({ service: of, expiry }) => of === expiring.name && expiry.state === 'expired');
  };
  return given(expiring.beginsUnder(escalating('expiring', { expires })), ...servesAt(expiring, north, 1))
    .when(
      isTold('north', expiring.name, 'Call 112 first.'),
      sets('north', { kind: 'setVariable', name: 'emergencyNumber', value: '0800 999' }),
      isTold('north', expiring.name, 'Call 0800 999 first.'),
      north.agentIsKilled(),
      north.agentStarts(),
      isTold('north', expiring.name, 'Call 0800 999 first.'),
      (at) => until(() => hasExpired(at), { within: 30_000, every: 50, what: 'the policy has expired' }),
    )
    .then(
      isTold('north', expiring.name, 'Call 0800 999 first.'),
      sets('north', { kind: 'setOnExpiry', choice: 'fallback' }),
      north.isRefused(expiring.name, 'policyExpired', 'Use the printed triage protocol.'),
      sets('north', { kind: 'setOnExpiry', choice: 'goOn' }),
      sets('north', { kind: 'setVariable', name: 'emergencyNumber', value: null }),
      isTold('north', expiring.name, 'Call 112 first.'),
    );
});

it('over every endpoint a stream gives what the whole reply gives, with a window and held back', () => {
  const questions = ['Patient reports slurred speech.', 'Caller describes a cold sore, age 59, for an hour.'];
  const same =
    (routine: string, isHeldBack: boolean): Step =>
    async (at) => {
      const site = siteIn(at, 'north');
      const texts = new Set<string>();
      for (const question of questions)
        for (const endpoint of endpoints) {
          const whole = await replyOf(site, endpoint, streamed.name, question, false);
          const stream = await replyOf(site, endpoint, streamed.name, question, true);
          expect({ endpoint, text: stream.text, finish: stream.finish }).toEqual({
            endpoint,
            text: whole.text,
            finish: whole.finish,
          });
          expect(stream.pieces, `${endpoint} ${stream.text}`)[isHeldBack ? 'toBe' : 'toBeGreaterThan'](1);
          texts.add(whole.text);
        }
      expect(texts).toEqual(new Set([`emergency\n\nThis is no diagnosis.`, `${routine}\n\nThis is no diagnosis.`]));
    };
  return given(streamed.beginsUnder(rewriting('streamed', 'window')), ...servesAt(streamed, north, 1))
    .when(same('r[x]ne', false), streamed.hasReleaseUnder(rewriting('streamed', 'buffer', { revision: 2 })))
    .then(...servesAt(streamed, north, 2), same('r[x]', true));
});
