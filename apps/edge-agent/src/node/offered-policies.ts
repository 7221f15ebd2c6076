import { offersOf } from '@openward/activation';
import type { Release } from '@openward/contracts';
import type { OfferReading } from '../local/read-offer.ts';
import type { HeldPolicies, HeldPolicy, UnreadPolicy } from './site-terms.ts';

export interface OfferedHere extends HeldPolicy {
  readonly release: Release;
}

/**
 * The policies of releases that wait here. `documents`: whether one that is not on this disk is fetched, which a person of this site has to
 * have asked for (N2); what cannot be read is named.
 */
export async function offeredPolicies(
  reading: Pick<OfferReading, 'state' | 'isHere' | 'releaseOf' | 'fetchDocument'>,
  documents: 'here' | 'fetched',
): Promise<HeldPolicies<OfferedHere>> {
  const policies: OfferedHere[] = [];
  const unread: UnreadPolicy[] = [];
  const state = reading.state();
  for (const { service, number } of offersOf(state)) {
    const assignment = state.durable.services[service]?.attempt?.assignment;
    if (assignment === undefined) continue;
    const { digest, document } = assignment.release;
    try {
      if (!(await reading.isHere(assignment))) {
        if (documents === 'here') {
          unread.push({ service, number });
          continue;
        }
        await reading.fetchDocument(assignment);
      }
      const release = await reading.releaseOf({ release: digest, document });
      const { variables: ofService = [], fallbackText } = release.service;
      policies.push({ service, number, policy: release.policy, ofService, fallbackText, release });
    } catch {
      unread.push({ service, number });
    }
  }
  return { policies, unread };
}
