import { PolicyFailure, type CompiledPolicy, type Monotonic } from '@openward/policy';
import type { Turn } from './conversation.ts';
import type { PolicyCounts } from './policy-counts.ts';

// The rules of the next policy, judged on live traffic after the client has its reply. What they find is counted and forgotten; it
// delays and changes nothing, and where the machine is busy it is left out.

/** The next policy of a service, which a person of the site lets run in shadow; every rule of it counts, whatever its mode. */
export interface Shadow {
  readonly compiled: CompiledPolicy;
}

/** One conversation as it came, and what the model said of it; null: it was not asked, or said too much to be kept. */
export interface ShadowCase {
  readonly service: string;
  readonly shadow: Shadow;
  readonly given: readonly Turn[];
  readonly reply: { readonly text: string; readonly finishReason: 'stop' | 'length' } | null;
  /** As the client asked for it. */
  readonly language: string | null;
}

export const MOST_SHADOW_CHARACTERS = 2 ** 20;
/** A turn of the event loop that came so much later than asked for means that others wait. */
const BEHIND_MS = 20;
const MOST_WAITING = 8;

export interface ShadowJudge {
  /** Returns at once. */
  judge(one: ShadowCase): void;
}

export function createShadowJudge(options: {
  readonly counts: PolicyCounts;
  readonly today: () => string;
  readonly now: Monotonic;
}): ShadowJudge {
  const { counts, today, now } = options;
  const waiting: ShadowCase[] = [];
  /** One a turn of the event loop, so that between two of them every request goes on. */
  const next = (): void => {
    const asked = now();
    setImmediate(() => {
      const one = waiting.shift();
      if (one !== undefined && now() - asked <= BEHIND_MS) judgeNow(one, counts, today, now);
      if (waiting.length > 0) next();
    });
  };
  return {
    judge(one) {
      const length = one.given.reduce((sum, { text }) => sum + text.length, 0);
      if (waiting.length >= MOST_WAITING || length > MOST_SHADOW_CHARACTERS) return;
      waiting.push(one);
      if (waiting.length === 1) next();
    },
  };
}

function judgeNow(
  { service, shadow: { compiled }, given, reply, language }: ShadowCase,
  counts: PolicyCounts,
  today: () => string,
  now: Monotonic,
): void {
  try {
    const input = compiled.applyInput({ turns: given, language, today: today() }, now);
    const hits = [...input.hits];
    // A request that it would block has no reply that it could judge.
    if (input.kind === 'go' && reply !== null)
      hits.push(...compiled.applyReply(input, reply.text, reply.finishReason, now).hits);
    counts.judged(service, compiled.policy, hits, 'next');
  } catch (error) {
    // Nothing that a shadow does may reach a request, and its text stands in no log.
    if (error instanceof PolicyFailure) counts.failedInShadow(service, compiled.policy, error.rule);
  }
}
