import type { PrivacyPorts, QueuedReport, ReportTransport } from './ports.ts';

const BATCH = 64;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 60_000;

/** Wakes the outbox when a report was queued. */
export interface Bell {
  ring(): void;
  /** Resolves at the next ring, or at once when one came since the last wait. */
  wait(signal: AbortSignal): Promise<void>;
}

export function createBell(): Bell {
  let rung = false;
  let waiting: (() => void) | null = null;
  return {
    ring() {
      rung = true;
      waiting?.();
    },
    wait: (signal) =>
      new Promise((resolve, reject) => {
        const settle = () => {
          waiting = null;
          signal.removeEventListener('abort', abort);
          rung = false;
          resolve();
        };
        const abort = () => {
          waiting = null;
          reject(signal.reason);
        };
        if (signal.aborted) return abort();
        if (rung) return settle();
        waiting = settle;
        signal.addEventListener('abort', abort, { once: true });
      }),
  };
}

/**
 * Sends what is queued, oldest first, and drops a report only when the network says that it has committed it (D4). Runs until
 * the signal aborts. Killed anywhere it begins again with the oldest that is not acknowledged; the network takes the same
 * sequence twice without harm.
 */
export async function runOutbox(
  ports: PrivacyPorts,
  transport: ReportTransport,
  bell: Bell,
  signal: AbortSignal,
): Promise<void> {
  let wait = FIRST_WAIT_MS;
  while (!signal.aborted) {
    const queued = await ports.store.queued(BATCH);
    if (queued.length === 0) {
      await bell.wait(signal);
      continue;
    }
    try {
      await transport.connected(signal);
      const progressed = await sendAndDrop(ports, transport, queued);
      wait = progressed ? FIRST_WAIT_MS : Math.min(wait * 2, LONGEST_WAIT_MS);
      if (!progressed) await ports.timers.sleep(wait, signal);
    } catch (error) {
      if (signal.aborted) break;
      ports.log.warn('outbox.retry', { queued: queued.length, waitMs: wait, error: String(error) });
      await ports.timers.sleep(wait, signal);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
  }
}

/** One pass over a batch. What a failed publish left unknown, the network's own answer tells: so it is asked all the same. */
async function sendAndDrop(
  ports: PrivacyPorts,
  transport: ReportTransport,
  queued: readonly QueuedReport[],
): Promise<boolean> {
  let reached = 0;
  for (const report of queued) {
    try {
      await transport.publish(report.frame, report.seq);
    } catch (error) {
      ports.log.warn('outbox.publishFailed', { seq: report.seq, error: String(error) });
      break;
    } finally {
      reached = report.seq;
    }
  }
  const { ackedThrough } = await transport.acked(reached);
  if (ackedThrough < (queued[0]?.seq ?? 0)) return false;
  await ports.store.acknowledge(ackedThrough);
  return true;
}
