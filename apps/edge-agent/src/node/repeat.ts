import type { Log, Timers } from '@openward/contracts';

/** Acts every `ms` until `signal` aborts; what fails is told to the log, and tried again in its turn. */
export async function repeat(
  ms: number,
  act: () => Promise<void>,
  { timers, log, signal }: { readonly timers: Timers; readonly log: Log; readonly signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    // It rejects only where it is told to stop.
    await timers.sleep(ms, signal).catch(() => undefined);
    if (signal.aborted) return;
    await act().catch((error: unknown) => log.error('agent.repeatFailed', { error: String(error) }));
  }
}
