import {
  digestOf,
  plainPolicy,
  type ArtifactRef,
  type ModelVariant,
  type PolicyView,
  type Release,
  type SuiteDocument,
} from '@openward/contracts';
import { aRelease, aSuite } from '@openward/rollout/testing';
import { until, withDatabase } from '@openward/testkit';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import type { ModelHead } from './models.repository.ts';
import { repositoriesOn, type Persistence } from './persistence.ts';
import { MIGRATED, openOn, putNode } from './testing-fixtures.ts';

const BY = 'ada';
const artifact = (name: string, family = 'triage-nano'): ArtifactRef => ({
  manifest: digestOf(`manifest of ${name}`),
  file: digestOf(name),
  size: 1000,
  family,
});
const { service, model: MODEL } = aRelease(1);
const { variants: _, ...HEAD }: ModelHead & { variants: unknown } = MODEL;
const variant = (name: string, bytes = name): ModelVariant => ({
  variant: name,
  artifact: artifact(bytes),
  needs: { threads: 1, memoryBytes: 1 },
});
const suiteOf = (document: SuiteDocument) => ({ digest: digestOf(document), artifact: artifact('suite'), document });

/** A service, a model version and a suite: what a release binds. */
async function putRegistry({ services, models, suites }: Persistence): Promise<void> {
  await services.create(service, BY);
  await models.register(HEAD, variant('f16'), BY);
  await suites.create(suiteOf(aSuite()), BY);
}

const build = async (number: number) => {
  const suite = { name: 'triage-safety', version: 1, digest: digestOf(aSuite()), artifact: artifact('suite') };
  const document: Release = { ...aRelease(1), number, suite, model: { ...MODEL, variants: [variant('f16')] } };
  return { document, artifact: artifact(`release ${number}`) };
};

it('takes the same variant with the same bytes again, and refuses it with other bytes', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { models, audit } = opened.persistence;
  expect(await models.register(HEAD, variant('f16'), BY)).toMatchObject({ kind: 'registered' });
  expect(await models.register(HEAD, variant('f16'), BY)).toMatchObject({ kind: 'same' });
  const other = await models.register(HEAD, variant('f16', 'other bytes'), BY);
  expect(other).toEqual({ kind: 'versionExists', differs: ['artifact'] });
  const retold = await models.register({ ...HEAD, contextLength: 512 }, variant('q8_0'), BY);
  expect(retold).toEqual({ kind: 'versionExists', differs: ['contextLength'] });
  expect((await models.find(HEAD.name, HEAD.version))?.variants).toEqual([variant('f16')]);
  expect((await audit.list({ limit: 10 })).items).toHaveLength(1);
});

it('keeps variants in the order in which they were registered, also when they come at once (R1)', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { models } = opened.persistence;
  for (const name of ['q8_0', 'f16']) await models.register(HEAD, variant(name), BY);
  const many = Array.from({ length: 15 }, (_unused, index) => variant(`v${index}`));
  const replica = opened.replica();
  const all = await Promise.all(many.map((it, index) => (index % 2 ? models : replica.models).register(HEAD, it, BY)));
  expect(all.filter((it) => it.kind === 'tooManyVariants')).toHaveLength(1);
  const found = await models.find(HEAD.name, HEAD.version);
  expect(found?.variants.slice(0, 2).map((it) => it.variant)).toEqual(['q8_0', 'f16']);
  expect(new Set(found?.variants.map((it) => it.variant)).size).toBe(16);
});

it('takes the same suite again, and refuses its version with another content', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { suites, services } = opened.persistence;
  expect(await suites.create(suiteOf(aSuite()), BY)).toEqual({ kind: 'unknownService' });
  await services.create(service, BY);
  const created = await suites.create(suiteOf(aSuite()), BY);
  expect(created).toMatchObject({ kind: 'created', suite: { items: 1, readsSiteData: true } });
  expect(await suites.create(suiteOf(aSuite()), BY)).toMatchObject({ kind: 'same' });
  const other = suiteOf({ ...aSuite(), rerunItems: 41 });
  expect(await suites.create(other, BY)).toEqual({ kind: 'versionExists' });
  expect((await suites.findByDigest(digestOf(aSuite())))?.document).toEqual(aSuite());
});

it('numbers the releases of a service without gap or double, whichever replica makes them', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { releases, services } = opened.persistence;
  await putRegistry(opened.persistence);
  const replica = opened.replica();
  const failing = releases.create('triage', BY, async () => {
    throw new Error('the store is full');
  });
  await expect(failing).rejects.toThrow('the store is full');
  await Promise.all(
    Array.from({ length: 8 }, (_unused, i) => (i % 2 ? releases : replica.releases).create('triage', BY, build)),
  );

  const { items, next } = await releases.list('triage', { limit: 5 });
  expect(items.map((it) => it.number)).toEqual([8, 7, 6, 5, 4]);
  const rest = await releases.list('triage', { limit: 5, ...(next === null ? {} : { after: next }) });
  expect(rest.items.map((it) => it.number)).toEqual([3, 2, 1]);
  expect(rest.next).toBeNull();
  for (const row of [...items, ...rest.items]) {
    const whole = await releases.find('triage', row.number);
    const { change, model, policy, suite } = whole!.release;
    expect(whole?.digest).toBe(digestOf(whole?.release));
    // By name alone: the documents have whole policies.
    expect(row).toEqual({
      digest: whole?.digest,
      service: 'triage',
      number: row.number,
      change,
      model: { name: model.name, version: model.version },
      policy: { id: policy.id, revision: policy.revision },
      suite: { name: suite.name, version: suite.version },
      createdAt: whole?.createdAt,
      createdBy: BY,
      recalled: null,
    });
  }
  expect(await services.find('triage')).toMatchObject({ releases: 8 });
  expect(await releases.create('nothing', BY, build)).toBeNull();
});

it('registers a policy once for each revision, and revisions only grow, whichever replica registers them', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { policies, audit } = opened.persistence;
  const of = (revision: number, systemPrompt = 'p') => plainPolicy(systemPrompt, { revision });
  const created = await policies.create(of(2), BY);
  const view = { id: 'plain', revision: 2, digest: digestOf(of(2)), languages: ['en'], rules: 0, createdBy: BY };
  expect(created).toMatchObject({ kind: 'created', policy: view });
  expect(await policies.create(of(2), 'bob')).toMatchObject({ kind: 'same', policy: view });
  expect(await policies.create(of(2, 'other'), BY)).toEqual({ kind: 'differs', newest: 2 });
  expect(await policies.create(of(1), BY)).toEqual({ kind: 'older', newest: 2 });
  expect((await policies.find({ id: 'plain', revision: 2 }))?.document).toEqual(of(2));
  expect(await policies.find({ id: 'plain', revision: 1 })).toBeNull();

  const replica = opened.replica();
  const racing = Array.from({ length: 8 }, (_unused, at) => of(3, `by ${at}`));
  const raced = await Promise.all(racing.map((it, at) => (at % 2 ? policies : replica.policies).create(it, BY)));
  expect(raced.filter((it) => it.kind === 'created')).toHaveLength(1);
  expect(raced.filter((it) => it.kind === 'differs')).toHaveLength(7);
  expect((await audit.list({ limit: 10 })).items.map((it) => it.subject)).toEqual(['policy:plain@3', 'policy:plain@2']);
});

it('pages policies by id, the newest revision first', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { policies } = opened.persistence;
  for (const [id, revision] of [
    ['b', 1],
    ['a', 1],
    ['a', 2],
    ['a', 10],
  ] as const)
    await policies.create(plainPolicy('', { id, revision }), BY);
  const names = (page: { items: readonly PolicyView[] }) => page.items.map((it) => `${it.id}@${it.revision}`);
  const first = await policies.list({ limit: 2 });
  expect([names(first), first.next]).toEqual([['a@10', 'a@2'], 'a@2']);
  const second = await policies.list({ limit: 2, after: first.next ?? '' });
  expect([names(second), second.next]).toEqual([['a@1', 'b@1'], null]);
  expect(names(await policies.list({ limit: 10 }, { id: 'b' }))).toEqual(['b@1']);
  expect(names(await policies.list({ limit: 10, after: 'nonsense' }))).toEqual([]);
  expect(names(await policies.list({ limit: 10, after: 'a@999999999999' }))).toEqual(['a@10', 'a@2', 'a@1', 'b@1']);
});

it('tells who makes a release what the newest is that is not recalled', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { releases } = opened.persistence;
  await putRegistry(opened.persistence);
  const told: (number | null)[] = [];
  const make = () =>
    releases.create('triage', BY, async (number, newest) => {
      told.push(newest?.number ?? null);
      return build(number);
    });
  await make();
  const second = await make();
  await make();
  await releases.recall(digestOf((await releases.find('triage', 3))?.release), { by: BY, reason: 'x' }, async () => {});
  await make();
  expect(second?.release.number).toBe(2);
  expect(told).toEqual([null, 1, 2, 2]);
});

it('tells who makes a release what the last completed rollout brought, and not what was stopped after it', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { releases, db } = opened.persistence;
  await putRegistry(opened.persistence);
  const told: (number | null)[] = [];
  const make = () =>
    releases.create('triage', BY, async (number, before) => {
      told.push(before?.number ?? null);
      return build(number);
    });
  const ends = async (kind: string, made: Awaited<ReturnType<typeof make>>, at = 0) => {
    const state = JSON.stringify({ life: { kind, at } });
    await sql`insert into rollouts (id, service, release, engine, version, open, state)
      values (${`ro-${kind}-${made?.release.number}`}, 'triage', ${made?.digest}, 1, 1, false, ${state})`.execute(db);
  };
  await ends('completed', await make());
  await ends('completed', await make());
  await ends('rolledBack', await make());
  const fourth = await make();
  const fifth = await make();
  expect(told).toEqual([null, 1, 2, 2, 2]);

  // Started before the fifth, and completed after it.
  await ends('completed', fourth, 10_000_000_000_000);
  await ends('completed', fifth, 9_000_000_000_000);
  await make();
  expect(told.at(-1)).toBe(4);
});

it('tells every node of a recall, and keeps the first one', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { releases, outbox, db, audit } = opened.persistence;
  await putRegistry(opened.persistence);
  for (const node of ['a', 'b']) await putNode(db, { site: 'lakeside', node });
  const made = await releases.create('triage', BY, build);
  const digest = made?.digest ?? '';
  const settled: string[][] = [];
  const settle = async (_trx: unknown, open: readonly string[]) => void settled.push([...open]);
  const recalled = await releases.recall(digest, { by: BY, reason: 'harm' }, settle);
  expect(recalled?.recalled).toMatchObject({ by: BY, reason: 'harm' });
  expect(await releases.recall(digest, { by: 'bob', reason: 'again' }, settle)).toEqual(recalled);
  expect(settled).toEqual([[]]);
  expect(await outbox.claim(10, 1000)).toHaveLength(2);
  expect((await outbox.newest({ site: 'lakeside', node: 'a' }))?.state.recalled).toEqual([digest]);
  expect((await audit.list({ limit: 1 })).items[0]).toMatchObject({ action: 'releaseRecalled', actor: BY });
  expect(await releases.recall(digestOf('none'), { by: BY, reason: 'x' }, settle)).toBeNull();
});

it('names what must stay: versions that are kept, and what a node still has of others (D7)', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { releases, models, db, reports } = opened.persistence;
  const marks = () => opened.persistence.removalMarks();
  await putRegistry(opened.persistence);
  await models.register(HEAD, { ...variant('lora'), base: artifact('base') }, BY);
  const made = await releases.create('triage', BY, build);
  const all = ['f16', 'lora', 'base', 'suite', 'release 1'].map((name) => artifact(name).manifest);
  expect(await marks()).toEqual(all.toSorted());

  expect(await models.retire(HEAD.name, HEAD.version, { by: BY, reason: 'old' })).toMatchObject({ kind: 'retired' });
  expect(await marks()).toEqual([artifact('suite').manifest]);

  await putNode(db, { site: 'lakeside', node: 'a' });
  await reports.append(
    {
      v: 1,
      site: 'lakeside',
      node: 'a',
      boot: '00000000-0000-4000-8000-000000000001',
      seq: 1,
      ledger: { seq: 0, head: digestOf('') },
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
          runtime: 'ollama',
          runtimeServers: 1,
          runtimeVersion: '1',
          runtimeSafe: 'safe',
        },
        uptimeHours: 0,
        services: [
          {
            service: 'triage',
            active: null,
            lastGood: null,
            anchor: made?.digest ?? null,
            serving: 'notServing',
            pinned: false,
          },
        ],
        suites: [],
      },
    },
    0,
  );
  expect(await marks()).toEqual(['f16', 'suite', 'release 1'].map((name) => artifact(name).manifest).toSorted());
});

it('gives the first answer again for the same key and request, and refuses another request (R9)', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { idempotency, sites } = opened.persistence;
  const replica = opened.replica();
  const site = {
    name: 'lakeside',
    tier: 'primary',
    labels: {},
    languages: [],
    timeZone: 'UTC',
    linkBytesPerSecond: null,
  } as const;
  let ran = 0;
  const make = ({ idempotency: keys }: Persistence) =>
    keys.once('ada create-site 1', digestOf(site), async (trx) => {
      ran += 1;
      return { made: await repositoriesOn(trx).sites.create({ ...site, labels: {}, languages: [] }, BY) };
    });
  const answers = await Promise.all([opened.persistence, replica, opened.persistence, replica].map(make));
  expect(answers.map((it) => it.kind).toSorted()).toEqual(['again', 'again', 'again', 'first']);
  for (const it of answers) expect(it).toMatchObject({ answer: { made: true } });
  expect(ran).toBe(1);
  expect(await idempotency.once('ada create-site 1', digestOf('another'), async () => 1)).toEqual({ kind: 'reused' });
  expect((await sites.list({ limit: 10 })).items).toHaveLength(1);
});

it('forgets a key whose act failed, with all that the act wrote (R9)', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { idempotency, audit } = opened.persistence;
  const failing = idempotency.once('k', digestOf(1), async (trx) => {
    await repositoriesOn(trx).audit.append({ actor: BY, action: 'tried', subject: 'network' });
    throw new Error('refused');
  });
  await expect(failing).rejects.toThrow('refused');
  expect(await idempotency.once('k', digestOf(2), async () => null)).toEqual({ kind: 'first', answer: null });
  expect(await idempotency.once('k', digestOf(2), async () => 1)).toEqual({ kind: 'again', answer: null });
  expect((await audit.list({ limit: 10 })).items).toEqual([]);
});

it('neither changes nor removes a row of the audit', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { audit, db } = opened.persistence;
  for (const action of ['one', 'two', 'three']) await audit.append({ actor: BY, action, subject: 'network' });
  await expect(db.updateTable('audit').set({ actor: 'eve' }).execute()).rejects.toThrow('append only');
  await expect(db.deleteFrom('audit').execute()).rejects.toThrow('append only');
  const first = await audit.list({ limit: 2 });
  expect(first.items.map((it) => it.action)).toEqual(['three', 'two']);
  const second = await audit.list({ limit: 2, after: first.next ?? '' });
  expect(second).toMatchObject({ items: [{ action: 'one' }], next: null });
});

it('knows an access token by its digest until it expires or is revoked', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { accessTokens } = opened.persistence;
  const token = { name: 'laptop', role: 'admin', digest: digestOf('t1'), lifetimeMs: 60_000 } as const;
  expect(await accessTokens.create(token, BY)).not.toBeNull();
  expect(await accessTokens.create({ ...token, digest: digestOf('t2') }, BY)).toBeNull();
  expect(await accessTokens.find(token.digest)).toEqual({ name: 'laptop', role: 'admin' });
  expect(await accessTokens.revoke('laptop', BY)).toBe(true);
  expect(await accessTokens.find(token.digest)).toBeNull();
  expect(await accessTokens.create({ ...token, digest: digestOf('t3'), lifetimeMs: 1 }, BY)).not.toBeNull();
  const isExpired = async () => (await accessTokens.find(digestOf('t3'))) === null;
  await until(isExpired, { within: 5000, what: 'the token to expire' });
});

it('keeps the newest of the answers that begin alike, and touches no other', async () => {
  await using opened = openOn(await withDatabase(MIGRATED));
  const { idempotency, db } = opened.persistence;
  for (const key of ['#plan 1', '#plan 2', '#plan 3', 'ada plan'])
    await idempotency.once(key, digestOf(key), async () => null);
  expect(await idempotency.keepNewest('#plan ', 2)).toBe(1);
  const rows = await db.selectFrom('idempotency_keys').orderBy('key').select('key').execute();
  expect(rows.map(({ key }) => key)).toEqual(['#plan 2', '#plan 3', 'ada plan']);
});
