import type { Held, Prober } from '@openward/activation';
import type { Log } from '@openward/contracts';
import type { LoadedModel, Runtime } from '@openward/runtime';
import { answer, type Answering } from '../gateway/answer.ts';
import type { Lease, ServedReleases } from '../gateway/served.ts';
import { generationOf } from '../gateway/parameters.ts';
import { admit, judgeWhole, type Admitted } from '../gateway/under-policy.ts';
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
 * `memoryBytes`, and it answers through the gateway's own path: under its policy's system prompt, with the input rules applied to
 * the question and the output rules to the answer. What they decide is no matter, since a policy may block whatever it likes; that
 * they can be applied is: a rule that fails, fails the probe. A question that is blocked is asked of the model all the same, and an
 * expired policy is probed as any other.
 */
export function createProber(
  served: Pick<ServedReleases, 'lease'>,
  answering: Answering,
  runtime: Pick<Runtime, 'loaded'>,
  memoryBytes: number,
  log: Log,
  now: () => number = () => performance.now(),
): Prober {
  return {
    async probe(service, held, timeoutMs, signal) {
      const deadline = AbortSignal.timeout(timeoutMs);
      const lease = await served.lease(service);
      try {
        if (lease.held.key !== held.key || lease.held.release !== held.release) return 'failed';
        const loaded = await runtime.loaded();
        if (!isAsStaged(loaded, held) || bytesOf(loaded) > memoryBytes) return 'failed';
        const admitted = underPolicy(service, lease, now);
        const events = await answer(answering, lease, admitted, AbortSignal.any([signal, deadline]), { ahead: true });
        let said = '';
        for await (const event of events) {
          if (event.type === 'text') {
            said += event.text;
            continue;
          }
          judgeWhole(lease.policy, admitted.input, said, event.finishReason, now);
          return 'ok';
        }
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

/** Of no day in particular: a probe names nobody's age. */
const PROBE_DAY = '2000-01-01';

function underPolicy(service: string, { release, policy }: Lease, now: () => number): Admitted {
  const conversation = {
    service,
    turns: [{ role: 'user' as const, text: PROBE }],
    hasSystem: false,
    stream: false,
    maxTokens: 4,
    stop: [],
    asked: null,
    includeUsage: false,
  };
  const admission = admit(release, policy, conversation, { language: null, today: () => PROBE_DAY, now });
  if (admission.kind === 'go') return admission;
  const { turns } = conversation;
  const generation = generationOf([], release.parameters, conversation);
  const language = admission.kind === 'blocked' ? admission.input.language : (policy.policy.languages[0] ?? 'en');
  // Blocked: its rules of replies are put to the answer all the same.
  return { turns, generation, input: { kind: 'go', turns, language, today: PROBE_DAY, notices: [], hits: [] } };
}
