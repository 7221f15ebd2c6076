import { RemoteRefusal } from '@openward/client';
import type {
  ChangeClass,
  PolicyRef,
  PromptPolicy,
  RolloutNodeView,
  RolloutStatus,
  RolloutView,
  SuiteDocument,
} from '@openward/contracts';
import { createRelease, MODEL, registerModel, SERVICE, suiteDocument } from '@openward/demo/harness';
import { until } from '@openward/testkit';
import { expect } from 'vitest';
import type { Step, World } from '../fixture.ts';
import { call } from './rest.ts';

// What network admins do with one service, and what they see.

/** `thorough` is the demo's suite, which reads the hospital's own records; `quick` has a few bundled items and wide margins. */
export type SuiteKind = 'quick' | 'thorough';

export interface RollsOut {
  readonly release: number;
  /** The hospitals of each wave, in order. */
  readonly waves: readonly (readonly string[])[];
  readonly soakMs?: number;
  readonly deadlineMs?: number;
}

export function suiteOf(service: string, kind: SuiteKind): SuiteDocument {
  const { contract: _, ...suite } = suiteDocument(service);
  if (kind === 'thorough') return suiteDocument(service);
  return {
    ...suite,
    items: suite.items.filter(({ redFlag }) => redFlag).slice(0, 12),
    gates: [{ kind: 'safety', set: 'bundled', margin: 0.5, ceiling: 0.9 }],
    minimumDistinctPersons: 11,
  };
}

/** Registers a version of the demo's model in both variants; each world does so once. */
export function haveModel(world: World, version: number): Promise<unknown> {
  const name = `triage-nano ${version}`;
  const known: Promise<unknown> = world.models.get(name) ?? registerModel(world.network.api, version);
  world.models.set(name, known);
  return known;
}

export const planRequest = (service: string, { release, waves, soakMs = 300, deadlineMs = 90_000 }: RollsOut) => ({
  service,
  release,
  select: { labels: { site: waves.flat() } },
  waves: waves.map((sites) => ({ by: 'sites' as const, sites: [...sites] })),
  settings: {
    waveDeadlineMs: deadlineMs,
    soak: { soakMs, errorShare: 0.05, minRequests: 20, restarts: 3, probeTimeoutMs: 20_000 },
  },
});

export const rolloutOf = async ({ network, rollouts }: World, service: string): Promise<RolloutView> => {
  const id = rollouts.get(service);
  if (id === undefined) throw new Error(`nothing of ${service} was rolled out`);
  return network.api.rollouts.get(id);
};

/** The hospital's node in the newest rollout of the service. */
export async function nodeIn(world: World, service: string, hospital: string): Promise<RolloutNodeView> {
  const node = (await rolloutOf(world, service)).nodes.find(({ site }) => site === hospital);
  if (node === undefined) throw new Error(`${hospital} is in no wave of ${service}`);
  return node;
}

/** A service's name in a sentence: what it is said to do is a step. */
export const service = (name: string) => ({
  name,

  /** The service, its suite, and releases 1 to the last of the versions that are given. */
  hasReleases:
    (versions: readonly number[], suite: SuiteKind = 'quick'): Step =>
    async (world) => {
      const { api } = world.network;
      await api.services.create({ ...SERVICE, name });
      await api.pushSuite(suiteOf(name, suite));
      for (const version of versions) {
        await haveModel(world, version);
        await createRelease(api, version, name);
      }
    },

  /** The service with its suite, and release 1 under this policy. */
  beginsUnder:
    (policy: PromptPolicy): Step =>
    async (world) => {
      await service(name).hasReleases([])(world);
      await haveModel(world, 1);
      await service(name).hasReleaseUnder(policy, 'newService')(world);
    },

  /** The next release: version 1 of the model under this policy, which is pushed first. */
  hasReleaseUnder:
    (policy: PromptPolicy, change: ChangeClass = 'policyRule'): Step =>
    async (world) => {
      const { id, revision } = await world.network.api.policies.create(policy);
      await service(name).hasReleaseOf({ id, revision }, change)(world);
    },

  /** The same under a policy that the network holds already. */
  hasReleaseOf:
    (policy: PolicyRef, change: ChangeClass = 'policyRule'): Step =>
    async (world) => {
      const release = {
        service: name,
        change,
        model: { name: 'triage-nano', version: '1' },
        policy,
        parameters: MODEL.parameters,
        suite: { name: `${name}-safety`, version: 1 },
      };
      // Not by the client, which would not read what an invalid policy is answered with.
      const made = await call(world, { path: '/releases', body: release });
      expect(made, made.message).toMatchObject({ status: 201 });
    },

  rollsOut:
    (asked: RollsOut): Step =>
    async (world) => {
      const { api } = world.network;
      const request = planRequest(name, asked);
      const start = async (): Promise<string> => {
        const plan = await api.rollouts.plan(request);
        expect(plan.blocked).toEqual([]);
        return (await api.rollouts.start({ plan: request, approvedHash: plan.hash })).id;
      };
      // A node that reports just between the two makes the plan another one; whoever started it looks, and approves again (R1).
      const id = await start().catch((error: unknown) => {
        if (error instanceof RemoteRefusal && error.code === 'planStale') return start();
        throw error;
      });
      world.rollouts.set(name, id);
    },

  /** An admin takes the rollout back. */
  isRolledBack:
    (reason: string): Step =>
    async (world) => {
      const { id } = await rolloutOf(world, name);
      await world.network.api.rollouts.rollback(id, reason);
    },

  rolloutEnds:
    (status: RolloutStatus): Step =>
    async (world) => {
      const ended = await until(
        async () => {
          const view = await rolloutOf(world, name);
          return view.endedAt === null && view.pauses.length === 0 ? undefined : view;
        },
        { within: 120_000, every: 100, what: `the rollout of ${name} ends` },
      );
      expect({ status: ended.status, pauses: ended.pauses, nodes: ended.nodes }).toMatchObject({ status, pauses: [] });
    },

  /** Waits until the network shows the hospital's part like this. */
  shows:
    (hospital: string, part: Partial<RolloutNodeView>): Step =>
    (world) =>
      shown(world, name, hospital, part),

  /** The wait that an operator reads: what for, and who can clear it. */
  showsWaiting:
    (hospital: string, code: string, clearedBy: string): Step =>
    (world) =>
      shown(world, name, hospital, { waits: [expect.objectContaining({ code, clearedBy }) as never] }),

  /** Waits until this wave's gate has passed. */
  passesWave:
    (wave: number): Step =>
    (world) =>
      until(async () => (await rolloutOf(world, name)).waves[wave]?.verdict === 'pass', {
        within: 60_000,
        every: 10,
        what: `wave ${wave + 1} of ${name} passes`,
      }),

  /** R9: however many replicas tick, and however often one is killed. */
  beganEachWaveOnce:
    (waves: number): Step =>
    async (world) => {
      const { id } = await rolloutOf(world, name);
      const { items } = await world.network.api.audit.list({ subject: `rollout:${id}`, limit: 200 });
      const of = (action: string) => items.filter((entry) => entry.action === action);
      const began = of('waveStarted').map(({ details }) => (details as { wave: number }).wave);
      expect(began.toSorted((a, b) => a - b)).toEqual([...Array(waves).keys()]);
    },
});

async function shown(world: World, name: string, hospital: string, part: Partial<RolloutNodeView>): Promise<void> {
  let seen: RolloutNodeView | undefined;
  try {
    await until(
      async () => {
        seen = await nodeIn(world, name, hospital);
        return matches(seen, part);
      },
      { within: 60_000, every: 50, what: `${hospital} in the rollout of ${name}` },
    );
  } catch (cause) {
    expect(seen, String(cause)).toMatchObject(part);
  }
}

const matches = (seen: unknown, part: object): boolean => {
  try {
    expect(seen).toMatchObject(part);
    return true;
  } catch {
    return false;
  }
};
