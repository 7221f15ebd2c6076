import { isSame, type Held, type NodeState } from '@openward/activation';

/** What a release that is still being watched took the place of, as the journal says; null once it is committed. */
export function cameFrom({ durable }: Pick<NodeState, 'durable'>, service: string, held: Held): Held | null {
  const progress = durable.services[service]?.attempt?.progress;
  return progress?.at === 'activated' && isSame(progress.candidate, held) ? progress.before : null;
}
