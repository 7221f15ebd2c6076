import { digestOf } from '@openward/contracts';
import { until, withDatabase } from '@openward/testkit';
import { expect, it } from 'vitest';
import type { Enrolment } from './enrol.ts';
import type { Persistence } from './persistence.ts';
import { MIGRATED, openOn } from './testing-fixtures.ts';

const SECRET = digestOf('secret');
const enrolment = (node: string, identityKey = `key of ${node}`): Enrolment => ({
  node,
  identityKey,
  identityKeyId: identityKey.slice(0, 8),
  controlKey: `control ${identityKey}`,
  bulkKey: `bulk ${identityKey}`,
  credentialsUntil: new Date(Date.now() + 60_000),
});

async function putSite({ sites }: Persistence, name = 'lakeside'): Promise<void> {
  await sites.create(
    { name, tier: 'district', labels: {}, languages: ['en'], timeZone: 'UTC', linkBytesPerSecond: null },
    'ada',
  );
}

async function putToken(
  { tokens }: Persistence,
  digest = SECRET,
  lifetimeMs = 60_000,
  site = 'lakeside',
): Promise<void> {
  expect(await tokens.create({ id: `t-${digest.slice(7, 15)}`, site, digest, lifetimeMs }, 'ada')).not.toBeNull();
}

it('enrols one node with a token that two bring at once (K2)', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const [one, two] = [opened.persistence, opened.replica()];
  await putSite(one);
  await putToken(one);
  const results = await Promise.all([one.nodes.enrol(SECRET, enrolment('a')), two.nodes.enrol(SECRET, enrolment('b'))]);
  expect(results.map((it) => it.kind).toSorted()).toEqual(['enrolled', 'tokenUsed']);
  const { items } = await one.nodes.list({ limit: 10 });
  expect(items).toHaveLength(1);
  expect((await one.tokens.list('lakeside', { limit: 10 })).items).toMatchObject([{ usedBy: items[0]?.name }]);
});

it('answers the same node again that lost the answer, and nobody else (K2)', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { nodes } = opened.persistence;
  await putSite(opened.persistence);
  await putToken(opened.persistence);
  expect(await nodes.enrol(SECRET, enrolment('a'))).toEqual({ kind: 'enrolled', site: 'lakeside', again: false });
  expect(await nodes.enrol(SECRET, enrolment('a'))).toEqual({ kind: 'enrolled', site: 'lakeside', again: true });
  expect(await nodes.enrol(SECRET, enrolment('a', 'another machine'))).toEqual({ kind: 'tokenUsed' });
  await nodes.revoke('a', 'ada', 'stolen');
  expect(await nodes.enrol(SECRET, enrolment('a'))).toEqual({ kind: 'tokenUsed' });
});

it('refuses a token that is unknown or has expired, by the database’s clock (K2, T1)', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { nodes } = opened.persistence;
  await putSite(opened.persistence);
  expect(await nodes.enrol(SECRET, enrolment('a'))).toEqual({ kind: 'tokenUnknown' });
  await putToken(opened.persistence, SECRET, 1);
  const isExpired = async () => (await nodes.enrol(SECRET, enrolment('a'))).kind === 'tokenExpired';
  await until(isExpired, { within: 5000, what: 'the token to expire' });
  expect(await nodes.find('a')).toBeNull();
});

it('leaves the token as it was where the name belongs to a node that is not revoked', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { nodes } = opened.persistence;
  await putSite(opened.persistence);
  await putToken(opened.persistence);
  await putToken(opened.persistence, digestOf('second'));
  await nodes.enrol(SECRET, enrolment('a'));
  expect(await nodes.enrol(digestOf('second'), enrolment('a', 'another machine'))).toEqual({ kind: 'nodeExists' });
  expect(await nodes.enrol(digestOf('second'), enrolment('b'))).toMatchObject({ kind: 'enrolled' });
});

it('gives a revoked node’s name to a new machine of its site, with nothing of the old one', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { nodes, reports, outbox, network } = opened.persistence;
  await putSite(opened.persistence);
  await putSite(opened.persistence, 'hillside');
  await putToken(opened.persistence);
  await nodes.enrol(SECRET, enrolment('a'));
  const ref = { site: 'lakeside', node: 'a' };
  const report = {
    v: 1,
    ...ref,
    boot: '00000000-0000-4000-8000-000000000001',
    seq: 1,
    ledger: { seq: 1, head: digestOf('') },
    body: {
      type: 'state',
      agentVersion: '0.1.0',
      protocol: 1,
      generation: null,
      class: {
        threads: 1,
        memoryGiB: 1,
        diskGiB: 256,
        diskFreePercent: 5,
        runtime: 'llamaCpp',
        runtimeServers: 1,
        runtimeVersion: '1',
        runtimeSafe: 'safe',
      },
      uptimeHours: 0,
      services: [],
      suites: [],
    },
  } as const;
  const { services: _services, suites: _suites, ...body } = report.body;
  const sent = { ...report, body: { ...body, services: [], suites: [] } };
  await reports.append(sent, 0);
  expect(await nodes.view('a')).toMatchObject({ ackedThrough: 1, agentVersion: '0.1.0' });

  expect(await nodes.revoke('a', 'ada', 'broken')).toBe(true);
  expect(await reports.append({ ...sent, seq: 2 }, 0)).toEqual({ kind: 'unknownNode' });
  expect(await outbox.newest(ref)).toBeNull();
  await putToken(opened.persistence, digestOf('elsewhere'), 60_000, 'hillside');
  expect(await nodes.enrol(digestOf('elsewhere'), enrolment('a', 'new'))).toEqual({ kind: 'nodeExists' });

  await putToken(opened.persistence, digestOf('second'));
  const again = await nodes.enrol(digestOf('second'), enrolment('a', 'new'));
  expect(again).toEqual({ kind: 'enrolled', site: 'lakeside', again: false });
  expect(await nodes.view('a')).toMatchObject({ ackedThrough: 0, agentVersion: null, revokedAt: null });
  expect(await network.held('a')).toEqual({ epoch: 1, number: 2 });
  const boot = '00000000-0000-4000-8000-000000000002';
  expect(await reports.append({ ...sent, boot }, 0)).toMatchObject({ kind: 'stored', ackedThrough: 1 });
  expect((await nodes.revokedKeys()).map((it) => it.key)).toEqual(['bulk key of a', 'control key of a']);
});

it('opens an epoch above any that a node has reported, tells every node, and ends read-only (D6)', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { nodes, network, outbox, reports, audit } = opened.persistence;
  await putSite(opened.persistence);
  await putToken(opened.persistence);
  await nodes.enrol(SECRET, enrolment('a'));
  await reports.enterReadOnly({ node: 'a', reported: { epoch: 3, number: 9 }, held: { epoch: 1, number: 1 } });
  expect(await network.read()).toMatchObject({ epoch: 1, readOnly: { cause: { reported: { epoch: 3 } } } });
  expect(await network.openEpoch('ada', 'restored from a backup')).toBe(4);
  expect(await network.read()).toEqual({ epoch: 4, readOnly: null });
  const newest = await outbox.newest({ site: 'lakeside', node: 'a' });
  expect(newest?.state.generation).toEqual({ epoch: 4, number: 2 });
  const { items } = await audit.list({ limit: 2 }, { subject: 'network' });
  expect(items.map((it) => it.action)).toEqual(['epochOpened', 'readOnlyEntered']);
});

it('no node’s claim makes an epoch that cannot be opened, and a lone one is written down once (D6)', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { db, nodes, network, reports, audit } = opened.persistence;
  for (const [node, site] of [
    ['a', 'lakeside'],
    ['b', 'hillside'],
  ] as const) {
    await putSite(opened.persistence, site);
    await putToken(opened.persistence, digestOf(node), 60_000, site);
    await nodes.enrol(digestOf(node), enrolment(node));
  }
  const says = async (node: string, epoch: number): Promise<void> => {
    const row = {
      node,
      boot: 'b',
      seq: 1,
      stored_at: new Date(),
      body: JSON.stringify({ generation: { epoch, number: 1 } }),
    };
    await db
      .insertInto('node_states')
      .values(row)
      .onConflict((on) => on.column('node').doUpdateSet(row))
      .execute();
  };
  expect(await reports.voices()).toEqual({ ahead: [], enrolledSites: 2 });
  await says('a', 2147483647);
  expect(await reports.voices()).toEqual({ ahead: ['lakeside'], enrolledSites: 2 });
  const why = { node: 'a', reported: { epoch: 2147483647, number: 1 }, held: { epoch: 1, number: 1 } };
  expect(await network.ahead()).toEqual([{ ...why, site: 'lakeside' }]);
  await reports.noteLoneVoice(why);
  await reports.noteLoneVoice({ ...why, reported: { epoch: 7, number: 1 } });
  const { items } = await audit.list({ limit: 10 }, { subject: 'node:a' });
  expect(items.map((it) => it.action)).toEqual(['generationNeverGiven', 'nodeEnrolled']);

  await reports.enterReadOnly(why);
  expect(await network.openEpoch('ada', 'restored')).toBe(2);
  await says('b', 5);
  expect((await reports.voices()).ahead.toSorted()).toEqual(['hillside', 'lakeside']);
  expect(await network.openEpoch('ada', 'restored')).toBe(6);
  await says('b', 9);
  await nodes.revoke('b', 'ada', 'it lies');
  expect(await reports.voices()).toEqual({ ahead: ['lakeside'], enrolledSites: 1 });
  expect(await network.openEpoch('ada', 'restored')).toBe(7);
});

it('revokes every key that credentials were made for and may still be good, and forgets those that ended (K1)', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { db, nodes } = opened.persistence;
  await putSite(opened.persistence);
  await putToken(opened.persistence);
  await nodes.enrol(SECRET, enrolment('a'));
  const until = new Date(Date.now() + 60_000);
  await nodes.enrol(SECRET, { ...enrolment('a'), controlKey: 'control lost', bulkKey: 'bulk lost' });
  for (const at of [2, 3])
    expect(
      await nodes.renewed('a', { control: `control ${at}`, bulk: `bulk ${at}`, until, nonce: `nonce ${at}` }),
    ).toBe('renewed');
  await db
    .updateTable('node_keys')
    .set({ valid_until: new Date(0) })
    .where('key', 'like', '% 2')
    .execute();
  expect(await nodes.pruneKeys()).toBe(2);
  await nodes.revoke('a', 'ada', 'stolen');
  expect((await nodes.revokedKeys()).map((it) => it.key)).toEqual([
    'bulk 3',
    'bulk key of a',
    'bulk lost',
    'control 3',
    'control key of a',
    'control lost',
  ]);
});

it('renews once for a nonce, whichever of two replicas is shown the frame, and keys of before are not put back (K3)', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const [one, two] = [opened.persistence, opened.replica()];
  await putSite(one);
  await putToken(one);
  await one.nodes.enrol(SECRET, enrolment('a'));
  const asked = (nonce: string, control = 'c') => ({ control, bulk: 'b', until: new Date(Date.now() + 60_000), nonce });
  const both = await Promise.all([one.nodes.renewed('a', asked('n1')), two.nodes.renewed('a', asked('n1'))]);
  expect(both.toSorted()).toEqual(['renewed', 'replayed']);
  expect(await one.nodes.renewed('a', asked('n2', 'newer'))).toBe('renewed');
  expect(await two.nodes.renewed('a', asked('n1'))).toBe('replayed');
  expect((await one.nodes.find('a'))?.controlKey).toBe('newer');
  expect(await one.nodes.pruneRenewals()).toBe(0);
  await one.nodes.revoke('a', 'ada', 'stolen');
  expect(await one.nodes.renewed('a', asked('n3'))).toBe('revoked');
});

it('lets a node renew at will while it holds few keys, then every ten minutes: all are claims once it is revoked (K3)', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { nodes, db } = opened.persistence;
  await putSite(opened.persistence);
  await putToken(opened.persistence);
  await nodes.enrol(SECRET, enrolment('a'));
  const until = new Date(Date.now() + 60_000);
  const renew = (at: number) => nodes.renewed('a', { control: `c${at}`, bulk: `b${at}`, until, nonce: `n${at}` });
  const done: string[] = [];
  for (let at = 0; at < 100; at++) done.push(await renew(at));
  expect(new Set(done.slice(0, 60))).toEqual(new Set(['renewed']));
  expect(new Set(done.slice(70))).toEqual(new Set(['tooOften']));
  await db
    .updateTable('node_renewals')
    .set({ at: new Date(Date.now() - 660_000) })
    .execute();
  expect([await renew(200), await renew(201)]).toEqual(['renewed', 'tooOften']);
});
