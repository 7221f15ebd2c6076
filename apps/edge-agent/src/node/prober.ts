import type { Held, Prober } from '@openward/activation';
import type { Log } from '@openward/contracts';
import type { LoadedModel, Runtime } from '@openward/runtime';
import { answer, type Answering } from '../gateway/answer.ts';
import type { ServedReleases } from '../gateway/served.ts';
import { isSameChain } from './model-runtime.ts';

/** About no patient, and short enough for every model. */
const PROBE = 'This is a probe.';

/** N8: under the release's key the runtime holds the files that it was staged with, by their digests. */
function isAsStaged(loaded: readonly LoadedModel[], { key, chain }: Held): boolean {
  const model = loaded.find((one) => one.key === key);
  if (model === undefined) return false;
  return chain === null || isSameChain(model, chain);
}

const bytesOf = (loaded: readonly LoadedModel[]): number =>
  loaded.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);

/**
 * N4: the served release is the one that was told, its runtime holds it byte for byte, all that is loaded stays within
 * `memoryBytes`, and it answers through the gateway's own path.
 */
export function createProber(
  served: Pick<ServedReleases, 'lease'>,
  answering: Answering,
  runtime: Pick<Runtime, 'loaded'>,
  memoryBytes: number,
  log: Log,
): Prober {
  return {
    async probe(service, held, timeoutMs, signal) {
      const deadline = AbortSignal.timeout(timeoutMs);
      const lease = await served.lease(service);
      try {
        if (lease.held.key !== held.key || lease.held.release !== held.release) return 'failed';
        const loaded = await runtime.loaded();
        if (!isAsStaged(loaded, held) || bytesOf(loaded) > memoryBytes) return 'failed';
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
