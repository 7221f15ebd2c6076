import { heldOf, type Held, type NodeState } from '@openward/activation';
import type { Release } from '@openward/contracts';
import type { HeldPolicy } from './site-policies.ts';

export interface HeldHere extends HeldPolicy {
  /** Whether the service is to be answered under it now. */
  readonly serves: boolean;
}

/** Each policy that serves here, waits to, or could be gone back to: a recalled release is none of these. */
export async function heldPolicies(
  { durable }: NodeState,
  releaseOf: (held: Held) => Promise<Release>,
): Promise<readonly HeldHere[]> {
  const found: HeldHere[] = [];
  for (const service of Object.keys(durable.services).sort()) {
    const record = durable.services[service]!;
    const held = new Map(heldOf(record).map((one) => [one.release, one]));
    for (const one of held.values()) {
      if (durable.recalled.includes(one.release)) continue;
      const { policy } = await releaseOf(one);
      found.push({ service, number: one.number, policy, serves: one.release === record.active?.release });
    }
  }
  return found;
}
