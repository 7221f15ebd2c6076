import type { Log, Name, Timers } from '@openward/contracts';
import type { LinksSeen } from '@openward/persistence';

export interface WatchLinksPorts {
  /** Rejects where no server says who is connected. */
  readonly look: () => Promise<readonly Name[]>;
  readonly saw: (seen: LinksSeen) => Promise<void>;
  readonly timers: Timers;
  readonly log: Log;
}

/**
 * Every replica looks, and writes what it sees (R9). A node is gone when two looks in a row have missed it, so that one which
 * renews its credentials, or whose server was slow to answer, is not named; and this process's first look alone says
 * nothing of who is gone. When nobody can look, nothing is written, and what is known grows old by itself.
 */
export async function watchLinks(ports: WatchLinksPorts, everyMs: number, signal: AbortSignal): Promise<void> {
  let before: readonly Name[] | null = null;
  while (!signal.aborted) {
    try {
      const connected: readonly Name[] = await ports.look();
      await ports.saw({ connected, before });
      before = connected;
    } catch (error) {
      if (signal.aborted) return;
      before = null;
      ports.log.warn('nobody says which nodes are connected', { error });
    }
    await ports.timers.sleep(everyMs, signal).catch(() => {});
  }
}
