import type { Plan, RolloutView } from '@openward/contracts';

import { fetchChunk, until } from '@openward/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FakeNode } from './node.fixture.ts';
import { startNetwork, type Network } from './network.fixture.ts';
import { catalogue } from './registry.fixture.ts';

let network: Network;
const nodes: FakeNode[] = [];

beforeAll(async () => {
  network = await startNetwork();
  await network.admin.post('/sites', { name: 'lakeside', tier: 'referral' });
  const node = await FakeNode.enrol(network.admin, 'lakeside', 'lakeside-1');
  nodes.push(node);
  await node.connect();
  await node.told(() => true, 'the first desired state');
});
afterAll(async () => {
  for (const node of nodes) await node.close();
  await network.close();
});

const SOAK = { soakMs: 0, errorShare: 0.05, minRequests: 20, restarts: 3, probeTimeoutMs: 1000 };

it('carries a release from its push to a node that is good, and tells it to commit', async () => {
  const { admin } = network;
  const [node] = nodes;
  if (node === undefined) throw new Error('no node');
  const release = await catalogue(admin);
  const request = { service: 'triage', release: 1, settings: { soak: SOAK, waveDeadlineMs: 60_000 } };
  expect(await admin.post('/rollouts/plan', request)).toMatchObject({ status: 422, body: { code: 'planBlocked' } });
  await node.acked(await node.state());

  const planned = await admin.post<Plan>('/rollouts/plan', request);
  expect(planned).toMatchObject({
    status: 200,
    body: { waves: [{ nodes: [{ node: 'lakeside-1', variant: 'f16' }] }] },
  });
  const started = await admin.post<RolloutView>('/rollouts', { plan: request, approvedHash: planned.body.hash });
  expect(started).toMatchObject({ status: 201, body: { status: 'running', startedBy: 'bootstrap' } });

  const told = await node.told((state) => state.services.length === 1, 'the assignment');
  const assignment = told.services[0]?.assignment;
  if (!assignment) throw new Error('no assignment');
  expect(assignment).toMatchObject({
    phase: 'proceed',
    release: { digest: release.digest, number: 1 },
    variant: { name: 'f16' },
  });
  expect(told.families).toEqual(['triage-nano']);

  // Its credentials of the enrolment reach no family: it renews, and then reads what it was told of.
  const { credentials } = (await node.call('renew', {
    control: node.keys.control.publicKey,
    bulk: node.keys.bulk.publicKey,
  })) as { credentials: typeof node.reply.credentials };
  expect(credentials.families).toEqual(['triage-nano']);
  Object.assign(node.reply, { credentials });
  const bulk = await node.connect('bulk');
  const refs = [assignment.release.document, assignment.suite.artifact, assignment.variant.artifact];
  for (const { family, manifest } of refs) {
    await until(async () => (await fetchChunk(bulk, family, manifest)) !== null, { within: 10_000, what: manifest });
  }

  expect(await node.permit()).toMatchObject({ granted: false, why: 'evidenceMissing' });
  const passed = { verdict: 'pass', reason: 'withinMargin' } as const;
  const measured = (candidateMisses: number) => ({
    type: 'evidence' as const,
    assignment: assignment.id,
    planHash: assignment.planHash,
    release: release.digest,
    variantFile: assignment.variant.artifact.file,
    suite: assignment.suite.digest,
    runtimeVersion: '3.21.1',
    bundled: { ...passed, gates: [{ kind: 'ceiling' as const, ...passed, counts: { n: 40, candidateMisses } }] },
    own: null,
  });
  // A pass that its own counts deny is taken in, written down, and counts for nothing.
  await node.report(measured(20));
  await node.acked(node.seq);
  expect(await node.permit()).toMatchObject({ granted: false, why: 'evidenceMissing' });
  const { body: refused } = await network.admin.get<{ items: { action: string; details: unknown }[] }>(
    `/audit?subject=node:${node.node}`,
  );
  expect(refused.items[0]).toMatchObject({
    action: 'evidenceRefused',
    details: { contradiction: 'ceiling: its counts say ceilingBroken, and it says withinMargin' },
  });
  await node.report(measured(0));
  await node.acked(node.seq);
  expect(await node.permit()).toMatchObject({ granted: true, assignment: assignment.id });

  await node.state([
    {
      service: 'triage',
      active: release.digest,
      lastGood: null,
      anchor: null,
      serving: 'serving',
      pinned: false,
      assignment: { assignment: assignment.id, planHash: assignment.planHash, step: 'active', soak: 'ok', restarts: 0 },
    },
  ]);
  await node.told((state) => state.services[0]?.assignment?.phase === 'complete', 'the end of the rollout');
  expect(await admin.get(`/rollouts/${started.body.id}`)).toMatchObject({
    body: { status: 'completed', waves: [{ verdict: 'pass', good: 1 }] },
  });
  expect(await admin.get(`/rollouts/${started.body.id}/evidence`)).toMatchObject({
    body: { items: [{ node: 'lakeside-1' }] },
  });
});

it('fills in chunks that the stream lost, of what the node was told of and of nothing else (D5)', async () => {
  const [node] = nodes;
  const assignment = node?.desired?.services[0]?.assignment;
  const bulk = node?.links[1];
  if (node === undefined || !assignment || bulk === undefined) throw new Error('no assignment');
  const { family, manifest } = assignment.variant.artifact;
  await network.purgeChunks();
  expect(await fetchChunk(bulk, family, manifest)).toBeNull();
  expect(await node.call('refill', { family, manifest, chunks: [] })).toMatchObject({ filled: 1 });
  expect(await fetchChunk(bulk, family, manifest)).not.toBeNull();
  const foreign = `sha256:${'0'.repeat(64)}`;
  expect(await node.call('refill', { family, manifest, chunks: [foreign] })).toMatchObject({ filled: 0 });
  expect(await node.call('refill', { family, manifest: foreign, chunks: [] })).toMatchObject({ refused: 'notYours' });
  expect(await node.call('refill', { family: 'other', manifest, chunks: [] })).toMatchObject({ refused: 'notYours' });
});
