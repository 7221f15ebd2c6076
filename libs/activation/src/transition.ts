import type { Name } from '@openward/contracts';
import type { Turn } from './turn.ts';

/**
 * R5: one transition at a time on a node, whatever the service: from the first load of a candidate to the end of its soak.
 * A site's halt leaves the place to others, since it has no end that the node knows of.
 */
export function isAnotherInTransition(turn: Turn, service: Name): boolean {
  return turn.services().some((other) => {
    if (other === service) return false;
    const { job, loading } = turn.work(other);
    if (job.doing === 'evaluating' || job.doing === 'asking') return true;
    const { attempt, halted } = turn.service(other);
    const progress = attempt?.progress;
    if (progress?.at === 'goingBack') return true;
    if (progress?.at === 'staged') return loading?.key === progress.candidate.key;
    return progress?.at === 'activated' && progress.watch.soak === 'running' && !halted;
  });
}
