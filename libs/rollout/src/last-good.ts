import type { AssignmentPhase, Digest } from '@openward/contracts';

/** What a node was last told of a service. */
export interface Told {
  readonly release: Digest;
  readonly phase: AssignmentPhase;
}

/**
 * A node's last good release (R6). The node calls it so when it has heard that its rollout is over, and reports it later still;
 * what it serves and has been told is already known here, and a plan made meanwhile must not aim behind it.
 */
export const lastGoodOf = (
  { active, lastGood }: { readonly active: Digest | null; readonly lastGood: Digest | null },
  told: Told | null,
): Digest | null => (told?.phase === 'complete' && told.release === active ? active : lastGood);
