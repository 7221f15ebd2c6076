import { RemoteRefusal } from '@openward/client';
import type { Plan, PlanRequest, RolloutView } from '@openward/contracts';
import type { NetworkWorld } from './harness/index.ts';
import { line } from './print.ts';

export interface Wanted {
  readonly release: number;
  readonly waves: PlanRequest['waves'];
  readonly settings: Partial<PlanRequest['settings']>;
}

/** Ordinary settings; only short. */
const SETTINGS = {
  tolerated: 0,
  maxConcurrent: 1,
  prefetch: false,
  soak: { soakMs: 1500, errorShare: 0.05, minRequests: 20, restarts: 3, probeTimeoutMs: 10_000 },
};

const requestOf = ({ release, waves, settings }: Wanted) => ({
  service: 'triage',
  release,
  waves,
  settings: { ...SETTINGS, ...settings },
});

/** The dry run, as an admin would read it. */
export async function plan(network: NetworkWorld, wanted: Wanted): Promise<Plan> {
  const made = await network.api.rollouts.plan(requestOf(wanted));
  for (const [index, wave] of made.waves.entries())
    for (const { site, variant, shown } of wave.nodes)
      line(
        `plan      wave ${index + 1}: ${site}, ${variant}, ${(shown.bytes / 1e6).toFixed(1)} MB${shown.seconds === null ? '' : `, ${shown.seconds.toFixed(1)} s at its link`}`,
      );
  for (const { site, why, detail } of made.blocked) line(`plan      leaves out ${site}: ${why}, ${detail}`);
  line(`plan      hash ${made.hash.slice(0, 19)}…`);
  return made;
}

/** What was approved by its hash is what runs. Where a node has reported something else meanwhile, the plan is looked at anew (R1). */
export async function startRollout(network: NetworkWorld, wanted: Wanted): Promise<RolloutView> {
  const start = async (): Promise<RolloutView> => {
    const { hash } = await plan(network, wanted);
    return network.api.rollouts.start({ plan: requestOf(wanted), approvedHash: hash });
  };
  return start().catch((error: unknown) => {
    if (!(error instanceof RemoteRefusal && error.code === 'planStale')) throw error;
    line('plan      is no longer what was approved: a node has reported meanwhile');
    return start();
  });
}
