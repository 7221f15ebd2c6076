import type { GenerationParameters, Log } from '@openward/contracts';
import { MOST_WATCHED, type CompiledPolicy, type Monotonic, type WatchedTexts } from '@openward/policy';
import type { Conversation, Turn } from './conversation.ts';
import type { PolicyCounts } from './policy-counts.ts';
import { beforeRules } from './under-policy.ts';

// Rules that only count: those in shadow of the policy that serves, and all of the next policy's. They are asked after the client
// has its reply. What they find is counted and forgotten; it delays and changes nothing, and where the machine is busy it is left out.

/** The next policy of a service, which a person of the site lets run in shadow; every rule of it counts, whatever its mode. */
export interface Shadow {
  readonly compiled: CompiledPolicy;
}

/** One conversation as it came, and what the model said of it; null: it was not asked, or said too much to be kept. */
export interface ShadowCase {
  readonly service: string;
  /** The policy that served, where it has rules in shadow, and what its rules saw. */
  readonly own: { readonly compiled: CompiledPolicy; readonly given: readonly Turn[] } | null;
  readonly next: { readonly shadow: Shadow; readonly parameters: GenerationParameters } | null;
  readonly conversation: Conversation;
  readonly reply: string | null;
  /** As the client asked for it. */
  readonly language: string | null;
}

/** A turn of the event loop that came so much later than asked for means that others wait. */
const BEHIND_MS = 20;
const MOST_WAITING = 8;

export interface ShadowJudge {
  /** Returns at once. */
  judge(one: ShadowCase): void;
}

export const countsOnly = ({ policy: { rules } }: CompiledPolicy): boolean =>
  rules.some(({ mode }) => mode === 'shadow');

/** Appends to what is kept of a reply; null once it is too long to be judged, since no part of it is judged alone. */
export const keepForShadow = (said: string | null, piece: string): string | null =>
  said === null || said.length + piece.length > MOST_WATCHED ? null : said + piece;

interface Options {
  readonly counts: PolicyCounts;
  readonly today: () => string;
  readonly now: Monotonic;
  readonly log: Pick<Log, 'error'>;
}

export function createShadowJudge(options: Options): ShadowJudge {
  const waiting: { readonly service: string; readonly work: Generator<void, void> }[] = [];
  const broken = new Set<string>();
  /** Nothing that a shadow does may reach a request, and no text may reach a log: a service's first breakage is told by its name. */
  const isOver = ({ service, work }: (typeof waiting)[number]): boolean => {
    try {
      return work.next().done === true;
    } catch (error) {
      if (!broken.has(service))
        options.log.error('policy.shadowBroke', { service, name: error instanceof Error ? error.name : 'unknown' });
      broken.add(service);
      return true;
    }
  };
  /** One question or one reply a turn of the event loop, so that between two of them every request goes on. */
  const next = (): void => {
    const asked = options.now();
    setImmediate(() => {
      const [one] = waiting;
      const isBehind = options.now() - asked > BEHIND_MS;
      if (one === undefined || isBehind || isOver(one)) waiting.shift();
      if (waiting.length > 0) next();
    });
  };
  return {
    judge(one) {
      if (waiting.length >= MOST_WAITING || (one.own === null && one.next === null)) return;
      waiting.push({ service: one.service, work: judging(one, options) });
      if (waiting.length === 1) next();
    },
  };
}

function* judging(one: ShadowCase, { counts, today, now }: Options): Generator<void, void> {
  const { service, own, next, conversation, reply, language } = one;
  const watch = (compiled: CompiledPolicy, given: Pick<WatchedTexts, 'whose' | 'stage' | 'texts'>): boolean => {
    const { policy } = compiled;
    const watched = compiled.watch({ ...given, language, today: today() }, now);
    const mode = given.whose === 'all' ? 'next' : 'shadow';
    if (watched !== null) counts.watched(service, policy, given.stage, watched, mode);
    return watched?.hits.some(({ mode: how, does }) => how === 'enforce' && does === 'block') ?? false;
  };
  if (own !== null) {
    watch(own.compiled, { whose: 'shadow', stage: 'input', texts: own.given.map(({ text }) => text) });
    yield;
    if (reply !== null) watch(own.compiled, { whose: 'shadow', stage: 'output', texts: [reply] });
    yield;
  }
  if (next === null) return;
  const { compiled } = next.shadow;
  const reading = beforeRules(compiled.policy, next.parameters, conversation);
  if (reading.kind === 'refused') return counts.refused(service, compiled.policy, 'next');
  const blocks = watch(compiled, { whose: 'all', stage: 'input', texts: reading.given.map(({ text }) => text) });
  yield;
  // A request that it would block has no reply that it could judge.
  if (!blocks && reply !== null) watch(compiled, { whose: 'all', stage: 'output', texts: [reply] });
}
