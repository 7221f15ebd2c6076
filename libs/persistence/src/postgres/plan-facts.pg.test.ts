import {
  digestOf,
  plainPolicy,
  PlanRequest,
  type ArtifactRef,
  type Release,
  type StateBody,
} from '@openward/contracts';
import { offerOf, plan, start, type StartOrder, DEFAULT_ENGINE_SETTINGS as SETTINGS } from '@openward/rollout';
import { aRelease, aState, aSuite, NODE_CLASS } from '@openward/rollout/testing';
import { withDatabase } from '@openward/testkit';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import type { Persistence } from './persistence.ts';
import { MIGRATED, openOn, putNode } from './testing-fixtures.ts';

const BY = 'ada';
const artifact = (name: string): ArtifactRef => ({
  manifest: digestOf(`manifest of ${name}`),
  file: digestOf(`file of ${name}`),
  size: 1000,
  family: 'documents',
});

/** The service, its suite, and releases 1 to `count`, each of a model version of its own. */
async function putReleases({ services, suites, models, releases }: Persistence, count: number) {
  await services.create(aRelease(1).service, BY);
  await suites.create({ digest: digestOf(aSuite()), artifact: artifact('suite'), document: aSuite() }, BY);
  const made = [];
  for (let number = 1; number <= count; number += 1) {
    const { variants, ...head } = aRelease(number).model;
    for (const variant of variants) await models.register(head, variant, BY);
    const suite = { name: 'triage-safety', version: 1, digest: digestOf(aSuite()), artifact: artifact('suite') };
    const document: Release = { ...aRelease(number), suite };
    made.push(await releases.create('triage', BY, async () => ({ document, artifact: artifact(`release ${number}`) })));
  }
  return made.map((it) => it?.digest ?? '');
}

async function report(
  { reports }: Persistence,
  node: string,
  seq: number,
  services: StateBody['services'],
  has = NODE_CLASS,
) {
  const suites = [{ suite: digestOf(aSuite()), tooFewItems: node === 'b' }];
  await reports.append(
    {
      v: 1,
      site: `${node}-hospital`,
      node,
      boot: '00000000-0000-4000-8000-000000000001',
      seq,
      ledger: { seq, head: digestOf('') },
      body: aState({ services, suites, class: has }),
    },
    0,
  );
}

const request = (release: number) => PlanRequest.parse({ service: 'triage', release });

async function startRelease({ planFacts, rolloutStore }: Persistence, release: number, id: string) {
  const facts = await planFacts('triage', release);
  if (facts === null) throw new Error(`no release ${release}`);
  const made = plan(request(release), facts);
  if ('kind' in made) throw new Error(made.why);
  const order: Omit<StartOrder, 'now'> = { id, by: BY, plan: made, offer: offerOf(facts), supersede: false };
  return start(rolloutStore, 'triage', order, SETTINGS);
}

it('gives the plan what nodes have said, what they hold, and who is live (R1, R5)', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { persistence } = opened;
  const [first = '', second = ''] = await putReleases(persistence, 2);
  for (const node of ['a', 'b', 'c']) await putNode(persistence.db, { site: `${node}-hospital`, node });
  for (const node of ['a', 'b']) await report(persistence, node, 1, []);
  expect(await startRelease(persistence, 1, 'ro-aaaaaaaa')).toEqual({ kind: 'started', id: 'ro-aaaaaaaa' });
  const service = { service: 'triage', active: first, lastGood: first, anchor: null } as const;
  await report(persistence, 'a', 2, [{ ...service, serving: 'halted', pinned: true }]);
  await persistence.releases.recall(second, { by: BY, reason: 'harm' }, async () => {});

  const facts = await persistence.planFacts('triage', 2);
  expect(facts).toMatchObject({ release: { digest: second, artifact: artifact('release 2') }, recalled: [second] });
  expect(facts?.suite).toEqual(aSuite());
  expect(facts?.live).toEqual([
    { node: 'a', rollout: 'ro-aaaaaaaa', canSupersede: true },
    { node: 'b', rollout: 'ro-aaaaaaaa', canSupersede: true },
  ]);
  const [f16] = aRelease(1).model.variants;
  const [a, b, c] = facts?.nodes ?? [];
  expect(a).toMatchObject({ node: 'a', site: 'a-hospital', tier: 'district', revoked: false });
  expect(a?.reported).toMatchObject({ active: first, lastGood: first, halted: true, pinned: true, tooFewItems: false });
  expect(a?.reported?.loaded).toEqual([
    { service: 'triage', release: first, memoryBytes: f16?.needs.memoryBytes, file: f16?.artifact.file, base: null },
  ]);
  expect(a?.files).toEqual([f16?.artifact.file, artifact('release 1').file, artifact('suite').file]);
  expect(a?.reported?.changes).toEqual({ f16: 'base', q8_0: 'base' });
  expect(b).toMatchObject({ files: [], reported: { active: null, tooFewItems: true, changes: {} } });
  expect(c).toMatchObject({ reported: null });
  expect(await persistence.planFacts('triage', 3)).toBeNull();
});

it('R6 calls the release of a rollout that is over last good before the node has said so', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { persistence } = opened;
  const [first = ''] = await putReleases(persistence, 2);
  await putNode(persistence.db, { site: 'a-hospital', node: 'a' });
  await report(persistence, 'a', 1, []);
  await startRelease(persistence, 1, 'ro-aaaaaaaa');
  const service = { service: 'triage', active: first, lastGood: null, anchor: first } as const;
  await report(persistence, 'a', 2, [{ ...service, serving: 'serving', pinned: false }]);
  const lastGood = async () => (await persistence.planFacts('triage', 2))?.nodes[0]?.reported?.lastGood;
  expect(await lastGood()).toBeNull();

  const complete = sql<string>`jsonb_set(document, '{phase}', '"complete"')`;
  await persistence.db.updateTable('assignments').set({ document: complete }).execute();
  expect(await lastGood()).toBe(first);
});

it('tells what a release is at each node by the files that run there, and nothing where they are not known (N2)', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { persistence } = opened;
  const [first = ''] = await putReleases(persistence, 1);
  for (const node of ['a', 'b', 'c']) await putNode(persistence.db, { site: `${node}-hospital`, node });
  const weak = { ...NODE_CLASS, threads: 1 };
  await report(persistence, 'a', 1, []);
  await report(persistence, 'b', 1, [], weak);
  await startRelease(persistence, 1, 'ro-aaaaaaaa');
  const service = { service: 'triage', active: first, lastGood: first, anchor: null } as const;
  const serving = [{ ...service, serving: 'serving' as const, pinned: false }];
  // The third serves what it was never told to take.
  for (const [node, seq, has] of [
    ['a', 2, NODE_CLASS],
    ['b', 2, NODE_CLASS],
    ['c', 1, NODE_CLASS],
  ] as const)
    await report(persistence, node, seq, serving, has);
  await persistence.releases.create('triage', BY, async (number, before) => {
    if (before === null) throw new Error('there is a release before');
    const policy = plainPolicy('Be brief.', { revision: 2 });
    return { document: { ...before, number, policy }, artifact: artifact(`release ${number}`) };
  });

  const facts = await persistence.planFacts('triage', 2);
  if (facts === null) throw new Error('no release 2');
  const changes = Object.fromEntries(facts.nodes.map((it) => [it.node, it.reported?.changes]));
  expect(changes).toEqual({
    a: { f16: 'policyText', q8_0: 'base' },
    b: { f16: 'base', q8_0: 'policyText' },
    c: {},
  });
  // The second node gives its runtime more by now, so it would get the larger file: nobody's standing rule for texts is asked.
  const made = plan(request(2), facts);
  if ('kind' in made) throw new Error(made.why);
  const planned = made.waves.flatMap((wave) => wave.nodes.map((it) => [it.node, `${it.variant} ${it.change}`]));
  expect(Object.fromEntries(planned)).toEqual({ a: 'f16 policyText', b: 'f16 base', c: 'f16 base' });
});

it('does not know the files of a release that a node was planned for in two variants: the second may have been refused (N2)', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { persistence } = opened;
  const [first = ''] = await putReleases(persistence, 1);
  for (const node of ['a', 'b']) {
    await putNode(persistence.db, { site: `${node}-hospital`, node });
    await report(persistence, node, 1, []);
  }
  await startRelease(persistence, 1, 'ro-aaaaaaaa');
  const serving = [
    { service: 'triage', active: first, lastGood: first, anchor: null, serving: 'serving', pinned: false } as const,
  ];
  await report(persistence, 'a', 2, serving, { ...NODE_CLASS, threads: 1 });
  await report(persistence, 'b', 2, serving);
  const ended = sql`update rollouts set state = jsonb_set(state, '{life}', '{"kind":"completed","at":0}'), open = false`;
  await ended.execute(persistence.db);
  await startRelease(persistence, 1, 'ro-bbbbbbbb');

  const facts = await persistence.planFacts('triage', 1);
  const changes = Object.fromEntries((facts?.nodes ?? []).map((it) => [it.node, it.reported?.changes]));
  expect(changes).toEqual({ a: {}, b: { f16: 'base', q8_0: 'quantisation' } });
});

it('names the policies with an end under which nodes serve, and how many do', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { persistence } = opened;
  const [first = ''] = await putReleases(persistence, 1);
  const ending = { ...plainPolicy('', { id: 'ending', revision: 3 }), expires: '2026-02-01T00:00:00Z' };
  const made = await persistence.releases.create('triage', BY, async (number, before) => {
    if (before === null) throw new Error('there is a release before');
    return { document: { ...before, number, policy: ending }, artifact: artifact(`release ${number}`) };
  });
  const serves = (active: string) => [
    { service: 'triage', active, lastGood: active, anchor: null, serving: 'serving', pinned: false } as const,
  ];
  for (const [node, active] of [
    ['a', made?.digest],
    ['b', first],
    ['c', made?.digest],
    ['d', made?.digest],
  ] as const) {
    await putNode(persistence.db, { site: `${node}-hospital`, node });
    await report(persistence, node, 1, serves(active ?? ''));
  }
  await persistence.nodes.revoke('d', BY, 'gone');
  expect(await persistence.policies.ending()).toEqual([
    { service: 'triage', release: 2, policy: 'ending@3', expires: '2026-02-01T00:00:00Z', nodes: 2 },
  ]);
});

it('starts no rollout of a release that was recalled after it was planned (R4)', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { persistence } = opened;
  const [first = ''] = await putReleases(persistence, 1);
  await putNode(persistence.db, { site: 'a-hospital', node: 'a' });
  await report(persistence, 'a', 1, []);
  const stale: Persistence = {
    ...persistence,
    planFacts: async (...of) => {
      const facts = await persistence.planFacts(...of);
      await persistence.releases.recall(first, { by: BY, reason: 'harm' }, async () => {});
      return facts;
    },
  };
  await expect(startRelease(stale, 1, 'ro-aaaaaaaa')).rejects.toMatchObject({ code: 'releaseRecalled' });
  expect(await persistence.rolloutStore.read('ro-aaaaaaaa')).toBeNull();
});

it('lists rollouts, the newest first, and the evidence of one (R2)', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { persistence } = opened;
  await putReleases(persistence, 1);
  for (const [node, id] of [
    ['a', 'ro-aaaaaaaa'],
    ['b', 'ro-bbbbbbbb'],
  ] as const) {
    await putNode(persistence.db, { site: `${node}-hospital`, node });
    await report(persistence, node, 1, []);
    const facts = await persistence.planFacts('triage', 1);
    const made =
      facts === null ? null : plan({ ...request(1), select: { labels: { site: [`${node}-hospital`] } } }, facts);
    if (facts === null || made === null || 'kind' in made) throw new Error('no plan');
    await start(
      persistence.rolloutStore,
      'triage',
      { id, by: BY, plan: made, offer: offerOf(facts), supersede: false },
      SETTINGS,
    );
  }
  const { rollouts } = persistence;
  const first = await rollouts.list({ limit: 1 }, { service: 'triage', open: true });
  expect(first.items.map((it) => it.state.id)).toEqual(['ro-bbbbbbbb']);
  const second = await rollouts.list({ limit: 1, after: first.next ?? '' });
  expect(second).toMatchObject({ items: [{ state: { id: 'ro-aaaaaaaa' }, version: 1 }], next: null });
  const { db } = persistence;
  const ended = sql`update rollouts set state = jsonb_set(state, '{life}', '{"kind":"completed","at":0}') where id = 'ro-aaaaaaaa'`;
  await ended.execute(db);
  const idsOf = async (of: { ended: boolean; open?: boolean }): Promise<string[]> =>
    (await rollouts.list({ limit: 9 }, of)).items.map((it) => it.state.id);
  // One that has ended may still tell a late node something.
  expect(await idsOf({ ended: false })).toEqual(['ro-bbbbbbbb']);
  expect(await idsOf({ ended: true, open: true })).toEqual(['ro-aaaaaaaa']);
  expect(await idsOf({ ended: true, open: false })).toEqual([]);
  expect(await rollouts.plan('ro-aaaaaaaa')).toEqual(second.items[0]?.state.plan);
  expect(await rollouts.evidence('ro-aaaaaaaa')).toEqual([]);
  expect(await rollouts.pruneReports(0)).toBe(2);
  expect((await persistence.nodes.view('a'))?.agentVersion).toBe('0.1.0');
});
