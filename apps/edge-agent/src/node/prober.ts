import type { Prober } from '@openward/activation';
import type { Log } from '@openward/contracts';
import type { Runtime } from '@openward/runtime';
import { answer, type Answering } from '../gateway/answer.ts';
import type { ServedReleases } from '../gateway/served.ts';

/** About no patient, and short enough for every model. */
const PROBE = 'This is a probe.';

/** N4: the served release is the one that was told, its runtime holds it, and it answers through the gateway's own path. */
export function createProber(served: ServedReleases, answering: Answering, runtime: Runtime, log: Log): Prober {
  return {
    async probe(service, held, timeoutMs, signal) {
      const deadline = AbortSignal.timeout(timeoutMs);
      const lease = served.lease(service);
      try {
        if (lease.held.key !== held.key || lease.held.release !== held.release) return 'failed';
        const loaded = await runtime.loaded();
        if (!loaded.some(({ key }) => key === held.key)) return 'failed';
        const conversation = {
          service,
          turns: [{ role: 'user' as const, text: PROBE }],
          stream: false,
          maxTokens: 4,
          stop: [],
          includeUsage: false,
        };
        const events = await answer(answering, lease, conversation, AbortSignal.any([signal, deadline]), {
          ahead: true,
        });
        for await (const event of events) if (event.type === 'end') return 'ok';
        return 'failed';
      } catch (error) {
        signal.throwIfAborted();
        log.warn('probe.failed', { service, error: error instanceof Error ? error.message : 'unknown' });
        return deadline.aborted ? 'timedOut' : 'failed';
      } finally {
        lease.end('left');
      }
    },
  };
}
