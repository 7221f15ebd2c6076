import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Refusal } from '@openward/contracts';
import {
  createRelease,
  type NetworkWorld,
  registerModel,
  SERVICE,
  type SiteWorld,
  startNetwork,
  startSite,
  stopAll,
  suiteDocument,
} from '@openward/demo/harness';
import { freePort, removeCluster, until } from '@openward/testkit';

/** A whole network with one hospital, which has a standing rule for everything: real processes, as in the demo. */
export interface Hospital {
  readonly site: SiteWorld;
  command(kind: string, about?: object): Promise<unknown>;
  /** Rolls the release out, and resolves when the rollout has ended well. */
  rollOut(release: number): Promise<void>;
  close(): Promise<void>;
}

const ITEMS = 12;

export async function openHospital(): Promise<Hospital> {
  const dir = mkdtempSync(join(tmpdir(), 'openward-bench-agent-'));
  let network: NetworkWorld | undefined;
  let site: SiteWorld | undefined;
  const close = async (): Promise<void> => {
    await site?.stop();
    await stopAll();
    await network?.stop();
    if (network) await removeCluster(join(dir, 'postgres'));
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    network = await startNetwork(dir);
    site = await startSite(network, {
      name: 'bench',
      tier: 'referral',
      threads: 2,
      gatewayPort: await freePort(),
    });
    return { ...(await furnish(network, site)), site, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function furnish(network: NetworkWorld, site: SiteWorld): Promise<Pick<Hospital, 'command' | 'rollOut'>> {
  const { api } = network;
  const command = (kind: string, about: object = {}) => site.local('POST', '/commands', { kind, ...about });
  const { contract: _, ...suite } = suiteDocument();
  await api.services.create(SERVICE);
  await api.pushSuite({
    ...suite,
    items: suite.items.filter(({ redFlag }) => redFlag).slice(0, ITEMS),
    gates: [{ kind: 'safety', set: 'bundled', margin: 0.5, ceiling: 0.9 }],
  });
  for (const version of [1, 2]) {
    await registerModel(api, version);
    await createRelease(api, version);
  }
  const rules = [{ services: [SERVICE.name] }];
  await command('setRules', { rules: { prepare: rules, activate: rules } });
  const heardOf = async (): Promise<boolean> => (await api.nodes.get(site.node)).lastReportAt !== null;
  await until(heardOf, { within: 30_000, every: 50, what: 'the network has heard of the hospital' });
  return { command, rollOut: (release) => rollOut(network, site, release) };
}

async function rollOut({ api }: NetworkWorld, site: SiteWorld, release: number): Promise<void> {
  const request = {
    service: SERVICE.name,
    release,
    waves: [{ by: 'rest' as const }],
    settings: {
      waveDeadlineMs: 60_000,
      soak: { soakMs: 300, errorShare: 0.05, minRequests: 20, restarts: 3, probeTimeoutMs: 20_000 },
    },
  };
  // A node that tells something new of itself between plan and start makes the plan stale (R1): then it is made again.
  const start = async () => {
    const { hash } = await api.rollouts.plan(request);
    return api.rollouts.start({ plan: request, approvedHash: hash }).catch((error: unknown) => {
      if (error instanceof Refusal && error.code === 'planStale') return undefined;
      throw error;
    });
  };
  const { id } = await until(start, { within: 20_000, every: 200, what: `a plan of release ${release} is current` });
  const hasCompleted = async (): Promise<boolean> => {
    const { items } = await site.local<{ items: { question: string | null; suite: { digest: string } }[] }>(
      'GET',
      '/offers',
    );
    const asked = items.find(({ question }) => question === 'acceptSuite');
    if (asked) await site.local('POST', '/commands', { kind: 'acceptSuite', suite: asked.suite.digest });
    const { status, endedAt, nodes } = await api.rollouts.get(id);
    if (endedAt !== null && status !== 'completed') {
      throw new Error(`release ${release} did not come: ${status}, ${nodes[0]?.reason}`);
    }
    return status === 'completed';
  };
  await until(hasCompleted, { within: 60_000, every: 100, what: `release ${release} is rolled out` });
}
