import { randomBytes } from 'node:crypto';
import {
  ArtifactManifest,
  CHUNK_STREAM,
  CHUNK_WILDCARD,
  ChunkList,
  chunkSubject,
  type Plan,
} from '@openward/contracts';
import { fetchChunk, publishChunk, until } from '@openward/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FakeNode } from './node.fixture.ts';
import { startNetwork, type Network } from './network.fixture.ts';
import { catalogue } from './registry.fixture.ts';

let network: Network;
let node: FakeNode;
beforeAll(async () => {
  network = await startNetwork({ OPENWARD_NATS_CHUNK_CACHE_BYTES: String(16 * 1024 * 1024) });
  await network.admin.post('/sites', { name: 'lakeside', tier: 'referral' });
  node = await FakeNode.enrol(network.admin, 'lakeside', 'lakeside-1');
  await node.connect();
  await node.acked(await node.state());
  await catalogue(network.admin);
});
afterAll(async () => {
  await node.close();
  await network.close();
});

const fillStream = (family: string): Promise<void> =>
  network.withEngine(async (engine) => {
    const fill = async (size: number): Promise<boolean> => {
      const bytes = randomBytes(size);
      return publishChunk(engine, family, bytes).then(
        () => true,
        () => false,
      );
    };
    for (const size of [256 * 1024, 8 * 1024, 64]) while (await fill(size));
  });

const subjects = (): Promise<string[]> =>
  network.withEngine(async (engine) => {
    const { state } = await engine.jsm.streams.info(CHUNK_STREAM, { subjects_filter: CHUNK_WILDCARD });
    return Object.keys(state.subjects ?? {});
  });

it('makes room in a stream that is full of what no rollout delivers, and tells a node what it may read (D2, D5)', async () => {
  await fillStream('of-old');
  const request = { service: 'triage', release: 1, settings: { waveDeadlineMs: 60_000 } };
  const { body: plan } = await network.admin.post<Plan>('/rollouts/plan', request);
  await network.admin.post('/rollouts', { plan: request, approvedHash: plan.hash });
  const { variant } = await node.assigned('proceed');
  const keys = { control: node.keys.control.publicKey, bulk: node.keys.bulk.publicKey };
  Object.assign(node.reply, await node.call('renew', keys));
  const bulk = await node.connect('bulk');
  const { family, manifest } = variant.artifact;
  const bytes = await until(() => fetchChunk(bulk, family, manifest).then((it) => it ?? undefined), {
    within: 15_000,
    what: 'its manifest',
  });
  const { lists } = ArtifactManifest.parse(JSON.parse(Buffer.from(bytes).toString()));
  for (const list of lists) {
    const read = await until(() => fetchChunk(bulk, family, list.digest).then((it) => it ?? undefined), {
      within: 15_000,
      what: 'its list',
    });
    for (const { digest } of ChunkList.parse(JSON.parse(Buffer.from(read).toString())).chunks) {
      await until(async () => (await fetchChunk(bulk, family, digest)) !== null, {
        within: 15_000,
        what: 'each chunk',
      });
    }
  }
  expect((await subjects()).filter((subject) => subject.includes('of-old'))).toEqual([]);
  await expect(fetchChunk(bulk, 'of-old', manifest, { timeoutMs: 500 })).rejects.toThrow(/permission/i);
});

it('a completed rollout keeps no room: its late node is filled in with what it asks for (D5, R7)', async () => {
  await node.take();
  const { variant } = await node.assigned('complete');
  const { family, manifest } = variant.artifact;
  const ofModel = (await subjects()).filter((subject) => subject.includes(family));
  expect(ofModel.length).toBeGreaterThan(1);
  const lost = chunkSubject(family, manifest);
  await network.withEngine((engine) => engine.jsm.streams.purge(CHUNK_STREAM, { filter: lost }));
  await fillStream('of-another');
  expect(await node.call('refill', { family, manifest, chunks: [] })).toMatchObject({ filled: 1 });
  expect(await subjects()).toEqual([lost]);
});
