import { heldOf, type Held, type NodeState } from '@openward/activation';
import type { Release } from '@openward/contracts';
import type { HeldPolicies, HeldPolicy, UnreadPolicy } from './site-terms.ts';

export interface HeldHere extends HeldPolicy {
  /** Whether the service is to be answered under it now. */
  readonly serves: boolean;
}

/**
 * Each policy that serves here, waits to, or could be gone back to: a recalled release is none of these. One whose document cannot be
 * read is named, and in nobody's way: what serves is ready in memory, and what would is read again before it does.
 */
export async function heldPolicies(
  { durable }: NodeState,
  releaseOf: (held: Held) => Promise<Release>,
): Promise<HeldPolicies<HeldHere>> {
  const policies: HeldHere[] = [];
  const unread: UnreadPolicy[] = [];
  for (const service of Object.keys(durable.services).sort()) {
    const record = durable.services[service]!;
    const held = new Map(heldOf(record).map((one) => [one.release, one]));
    for (const one of held.values()) {
      if (durable.recalled.includes(one.release)) continue;
      const { number } = one;
      try {
        const release = await releaseOf(one);
        const { variables: ofService = [], fallbackText } = release.service;
        const serves = one.release === record.active?.release;
        policies.push({ service, number, policy: release.policy, ofService, fallbackText, serves });
      } catch {
        unread.push({ service, number });
      }
    }
  }
  return { policies, unread };
}
