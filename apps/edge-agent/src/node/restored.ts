import type { NodeState } from '@openward/activation';
import type { ServedReleases } from '../gateway/served.ts';

/** After a start: every release that the journal says serves, serves, or was stopped for a reason. Once true, it stays. */
export function createRestored(state: () => NodeState, served: Pick<ServedReleases, 'list'>): () => boolean {
  let restored = false;
  return () => {
    if (restored) return true;
    const { isBooted, durable } = state();
    const stands = new Map(
      served
        .list()
        .map(({ service, release, stopped }) => [
          service,
          release !== null || (stopped !== null && stopped !== 'loading'),
        ]),
    );
    restored =
      isBooted &&
      Object.entries(durable.services).every(
        ([service, { active, halted }]) => active === null || halted || stands.get(service) === true,
      );
    return restored;
  };
}
