import type { Now } from './events.ts';
import type { NodeState, ServiceRecord, Work } from './model.ts';
import { ASK_AGAIN_MS } from './permit.ts';
import { FRESH_WORK } from './turn.ts';

/** Hours and windows open by the wall clock, which may be set: they are looked at this often at least. */
const LONGEST_MS = 30_000;
const SHORTEST_MS = 10;

/** Milliseconds until time alone could change something. */
export function dueIn({ durable, work }: NodeState, now: Now): number {
  let least = LONGEST_MS;
  for (const [name, record] of Object.entries(durable.services)) {
    for (const at of moments(record, work[name] ?? FRESH_WORK, now)) least = Math.min(least, at - now.monotonic);
  }
  return Math.max(SHORTEST_MS, least);
}

function moments({ attempt }: ServiceRecord, work: Work, now: Now): readonly number[] {
  const { job, probe, judgeAt, soakSince, loadRests, switchRests } = work;
  const rests = [...Object.values(loadRests), ...Object.values(switchRests)];
  const found: number[] = rests.map(({ until }) => until);
  if (job.doing === 'resting') found.push(job.until);
  if (job.doing === 'asking') found.push(job.monotonic + ASK_AGAIN_MS);
  if (probe.state === 'resting') found.push(probe.until);
  if (soakSince !== null && judgeAt !== null) found.push(judgeAt);
  const until = attempt?.consent.deferUntil ?? null;
  if (until !== null) found.push(now.monotonic + (until - now.wall));
  // What has passed already was looked at in the step that passed it.
  return found.filter((at) => at > now.monotonic);
}
