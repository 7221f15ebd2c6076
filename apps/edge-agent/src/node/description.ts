import type { Log } from '@openward/contracts';
import type { Runtime, RuntimeDescription } from '@openward/runtime';

/** How long a state waits for the runtime's own words, before it goes with the last ones. */
const LONGEST_MS = 5000;

/**
 * What the runtime last said of itself. Never rejects and never hangs: a runtime that is down for a moment must not keep a
 * node's state back, nor end the reconciler that waits for it. Before the first answer its version is `unknown`; the
 * embedded runtime is this agent's own, and so is safe all the same.
 *
 * The first answer is asked for here and now: an embedded runtime starts for it, beside what an agent does until it has a line.
 */
export function keepDescription(
  runtime: Pick<Runtime, 'kind' | 'describe'>,
  log: Log,
  longestMs = LONGEST_MS,
): () => Promise<RuntimeDescription> {
  const { kind } = runtime;
  let last: RuntimeDescription = {
    kind,
    version: 'unknown',
    knownSafe: kind === 'llamaCpp',
    tested: false,
    isolation: [],
  };
  const ask = async (): Promise<void> => {
    try {
      last = await runtime.describe();
    } catch (error) {
      log.warn('runtime.notDescribed', { error: String(error) });
    }
  };
  let first: Promise<void> | null = ask();
  return async () => {
    const asked = first ?? ask();
    first = null;
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, longestMs);
    await Promise.race([asked, late.promise]);
    clearTimeout(timer);
    return last;
  };
}
