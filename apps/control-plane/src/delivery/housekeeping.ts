import { sweep } from '@openward/distribution';
import type { Context } from '../process/context.ts';

const HOUR = 3_600_000;
const KEEP_KEYS_MS = 7 * 24 * HOUR;
const KEEP_REPORTS_MS = 35 * 24 * HOUR;

/** Once an hour: what nobody needs any more goes (D7). Every replica does it; twice is no harm. */
export async function runHousekeeping({ store, artifacts, log, timers }: Context, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await timers.sleep(HOUR, signal).catch(() => {});
    if (signal.aborted) return;
    try {
      const keys = await store.idempotency.prune(KEEP_KEYS_MS);
      const reports = await store.rollouts.pruneReports(KEEP_REPORTS_MS);
      const marks = await store.rollouts.pruneMarks();
      await store.nodes.pruneKeys();
      await store.nodes.pruneRenewals();
      const freedBytes = await sweep(artifacts, await store.removalMarks(), Date.now());
      log.info('housekeeping', { keys, reports, marks, freedBytes });
    } catch (error) {
      log.error('housekeeping failed', { error });
    }
  }
}
