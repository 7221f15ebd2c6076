import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { PromptPolicy } from '@openward/contracts';
import { until } from '@openward/testkit';
import { expect, it } from 'vitest';
import { aNetwork, siteIn, type Step, type World } from './fixture.ts';
import { ask, hospital, statusOf } from './steps/hospital.ts';
import { escalating, example, ruleOf } from './steps/policy.ts';
import { service } from './steps/service.ts';

// What a hospital reads and decides of the policy of a release, and what becomes of its own words at once.

const { given } = aNetwork();

const calling = (id: string): PromptPolicy =>
  escalating(id, {
    rules: [
      ruleOf({
        id: 'speech',
        match: { kind: 'topic', phrases: { en: ['slurred speech'] } },
        action: { does: 'block', text: 'call' },
      }),
    ],
    texts: { call: { en: 'Call {{emergencyNumber}} now.' } },
    tests: [
      example('speech', {
        said: 'He has slurred speech.',
        action: 'block',
        rules: ['speech'],
        text: 'Call 112 now.',
      }),
      example('speech'),
    ],
  });

const filesAt = (world: World, name: string): string[] =>
  readdirSync(join(siteIn(world, name).dataDir, 'store', 'files'));
const isAnswered =
  (name: string, of: string, text: string): Step =>
  (world) =>
    until(async () => (await ask(world, name, of)).text.includes(text), {
      within: 30_000,
      what: `${of} at ${name} says ${text}`,
    });
/** What becomes of a call of hospital IT's. */
const refusalOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'done',
    (error: unknown) => String(error),
  );

it('N2 before the first answer a hospital reads what a release is: its document is fetched, and nothing else of it', () => {
  const lakeside = hospital('lakeside');
  const triage = service('triage-read');
  return given(lakeside.opens(), triage.hasReleases([1]))
    .when(triage.rollsOut({ release: 1, waves: [['lakeside']] }), lakeside.isAsked(triage.name, 'prepare'))
    .then(lakeside.storeHolds(0), async (world) => {
      const read = await siteIn(world, 'lakeside').local<{ policy: string; fetched: boolean; serving: unknown }>(
        'GET',
        `/offers/${triage.name}`,
      );
      expect(read).toMatchObject({ fetched: true, serving: null });
      expect(read.policy).toContain('Before each conversation the model is told:');
      expect(filesAt(world, 'lakeside')).toHaveLength(1);
      const { fetchedBytes } = await statusOf(world, 'lakeside');
      expect(fetchedBytes).toBeLessThan(20_000);
      await lakeside.isAsked(triage.name, 'prepare')(world);
    });
});

it('a policy that waits runs in shadow by a person’s leave and changes no reply; once it serves, the hospital’s own number is told, and no weights were fetched', () => {
  const hillside = hospital('hillside');
  const triage = service('triage-words');
  let fetched = 0;
  return given(
    hillside.opens({ prepares: [triage.name] }),
    triage.hasReleases([1]),
    triage.rollsOut({ release: 1, waves: [['hillside']] }),
    hillside.accepts(triage.name, 'activate'),
    triage.rolloutEnds('completed'),
    triage.hasReleaseUnder(calling('calling')),
  )
    .when(
      async (world) => (fetched = (await statusOf(world, 'hillside')).fetchedBytes),
      triage.rollsOut({ release: 2, waves: [['hillside']] }),
      hillside.isAsked(triage.name, 'activate'),
      async (world) => {
        const { local } = siteIn(world, 'hillside');
        const { serving } = await local<{ serving: { diff: { rules: unknown } } }>('GET', `/offers/${triage.name}`);
        expect(serving.diff.rules).toMatchObject([{ rule: 'speech', kind: 'added' }]);
        const start = { service: triage.name, until: Date.now() + 60_000, by: 'Dr Osei' };
        await local('POST', '/policy/shadows', start);
        expect((await ask(world, 'hillside', triage.name)).text).not.toContain('Call 112 now.');
        await until(
          async () => {
            const hits = await local<{ items: { rule: string | null; mode: string }[] }>(
              'GET',
              `/policy/hits/${triage.name}`,
            );
            return hits.items.some(({ rule: id, mode }) => id === 'speech' && mode === 'next');
          },
          { within: 20_000, what: 'the shadow is counted' },
        );
      },
      hillside.accepts(triage.name, 'activate'),
    )
    .then(
      triage.rolloutEnds('completed'),
      isAnswered('hillside', triage.name, 'Call 112 now.'),
      async (world) => {
        const { local } = siteIn(world, 'hillside');
        const { items } = await local<{ items: { ended: { why: string } | null }[] }>('GET', '/policy/shadows');
        expect(items).toMatchObject([{ ended: { why: 'activated' } }]);
        const { fetchedBytes: now } = await statusOf(world, 'hillside');
        expect(now - fetched).toBeLessThan(20_000);
        await local('POST', '/policy', { kind: 'setVariable', name: 'emergencyNumber', value: '0800 999' });
        expect((await ask(world, 'hillside', triage.name)).text).toContain('Call 0800 999 now.');
        const slip = local('POST', '/policy', { kind: 'setVariable', name: 'emergencyNumer', value: '113' });
        expect(await refusalOf(slip)).toContain('emergencyNumber');
      },
      hillside.agentIsKilled(),
      hillside.agentStarts(),
      isAnswered('hillside', triage.name, 'Call 0800 999 now.'),
    );
});
