import { readdirSync, readFileSync } from 'node:fs';

// Linux only, as the isolation of a runtime is.

const frozen = new Map<string, readonly number[]>();

/** Every process below this one. */
function descendantsOf(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
  );
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

/** Stops the runtime's processes where they are, without ending them. */
export function frozenRuntimes(hospital: string, agent: number): void {
  const pids = descendantsOf(agent);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  frozen.set(hospital, pids);
}

/** Lets them go on, so that they see that their agent is gone, and end. */
export function thawRuntimes(hospital: string): void {
  for (const pid of frozen.get(hospital) ?? []) {
    try {
      process.kill(pid, 'SIGCONT');
    } catch {
      // It ended with its agent.
    }
  }
  frozen.delete(hospital);
}
