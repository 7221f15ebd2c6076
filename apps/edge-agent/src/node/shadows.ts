import type { Attempt, Held } from '@openward/activation';
import { Refusal, type Log, type PromptPolicy } from '@openward/contracts';
import type { CompiledPolicy } from '@openward/policy';
import type { OpenShadow, PolicyShadow, ShadowEnd, SqliteShadows } from '@openward/persistence/node';
import type { Shadow } from '../gateway/shadow.ts';

const DAY_MS = 86_400_000;
export const LONGEST_SHADOW_DAYS = 30;

/** What a person here says when they let one run. */
export interface ShadowStart {
  readonly service: string;
  /** Milliseconds since 1970. */
  readonly until: number;
  readonly by: string;
  /** The number of the release that is meant, where they want to be sure. */
  readonly release?: number | undefined;
}

interface Options {
  readonly store: Pick<SqliteShadows, 'start' | 'end' | 'open' | 'list'>;
  /** Of a service; `starting` until the journal has been read. */
  readonly attemptOf: (service: string) => Attempt | null | 'starting';
  readonly policyOf: (held: Held) => Promise<PromptPolicy>;
  /** With the site's own terms as they are now. Throws where they do not fit. */
  readonly compile: (policy: PromptPolicy) => CompiledPolicy;
  readonly wall: () => number;
  readonly log: Pick<Log, 'warn'>;
}

interface Running {
  readonly shadow: OpenShadow;
  /** Null where it cannot be made ready with the site's terms of now. */
  ready: Shadow | null;
}

/**
 * The rules of a service's next policy beside the one that serves, by leave of a person here: for a release that waits here, and no
 * longer than 30 days. What they would have done is counted on this node, and nothing of it leaves (P7).
 */
export class Shadows {
  readonly #options: Options;
  readonly #running = new Map<string, Running>();

  constructor(options: Options) {
    this.#options = options;
    for (const shadow of options.store.open()) this.#running.set(shadow.service, { shadow, ready: null });
    this.recompile();
  }

  /** On the way of a request: nothing but memory. What is over is nobody's, whether it is written down yet or not. */
  shadowOf(service: string): Shadow | null {
    const running = this.#running.get(service);
    return running === undefined || this.#whyOver(running) !== null ? null : running.ready;
  }

  async start({ service, until, by, release }: ShadowStart): Promise<PolicyShadow> {
    const { store, attemptOf, policyOf, compile, wall } = this.#options;
    const startedAt = wall();
    assertEnd(until, startedAt);
    const attempt = attemptOf(service);
    if (attempt === 'starting') throw new Refusal('busy', 'The agent is starting.');
    const candidate = candidateOf(attempt);
    if (attempt === null || candidate === null) throw new Refusal('shadowRefused', whyNone(service, attempt));
    if (release !== undefined && release !== candidate.number)
      throw new Refusal('shadowRefused', `Release ${candidate.number} of ${service} waits here, and not ${release}.`);
    const policy = await policyOf(candidate);
    const ready: Shadow = { compiled: compile(policy) };
    const shadow = {
      service,
      assignment: attempt.assignment.id,
      release: candidate.release,
      number: candidate.number,
      policy,
      by,
      startedAt,
      until,
    };
    store.start(shadow);
    const started: OpenShadow = { ...shadow, ended: null };
    this.#running.set(service, { shadow: started, ready });
    return started;
  }

  stop(service: string): void {
    const running = this.#running.get(service);
    if (running === undefined || this.#whyOver(running) !== null)
      throw new Refusal('notFound', `Nothing runs in shadow for ${service}.`);
    this.#end(running, 'stopped');
  }

  /** The newest first, those that have ended too: each was a consent. */
  list(): readonly PolicyShadow[] {
    this.sweep();
    return this.#options.store.list(50);
  }

  /** Ends what is over, with requests or without; nothing else does but a person. */
  sweep(): void {
    for (const running of this.#running.values()) {
      const why = this.#whyOver(running);
      if (why !== null && why !== 'starting') this.#end(running, why);
    }
  }

  /** After the site changed its terms. One that does not fit them any more counts nothing, and harms nothing. */
  recompile(): void {
    for (const running of this.#running.values()) {
      try {
        running.ready = { compiled: this.#options.compile(running.shadow.policy) };
      } catch (error) {
        running.ready = null;
        const { service, number } = running.shadow;
        this.#options.log.warn('policy.shadowDoesNotFit', { service, release: number, error: String(error) });
      }
    }
  }

  /** Null where it runs. */
  #whyOver({ shadow }: Running): ShadowEnd | 'starting' | null {
    const attempt = this.#options.attemptOf(shadow.service);
    return attempt === 'starting' ? attempt : endOf(shadow, attempt, this.#options.wall());
  }

  /** Written first: what could not be written is ended the next time. */
  #end({ shadow: { service } }: Running, why: ShadowEnd): void {
    this.#options.store.end(service, why, this.#options.wall());
    this.#running.delete(service);
  }
}

function assertEnd(until: number, now: number): void {
  if (until <= now) throw new Refusal('badRequest', 'A shadow ends at a time that is still to come.');
  if (until > now + LONGEST_SHADOW_DAYS * DAY_MS)
    throw new Refusal('badRequest', `A shadow runs for ${LONGEST_SHADOW_DAYS} days at most.`);
}

/** What stands here, checked, and serves nobody yet. */
function candidateOf(attempt: Attempt | null): Held | null {
  const progress = attempt?.progress;
  return progress?.at === 'staged' || progress?.at === 'evaluated' ? progress.candidate : null;
}

/** Why nothing of a service can run in shadow now, and what has to be done first. */
function whyNone(service: string, attempt: Attempt | null): string {
  if (attempt === null) return `No release of ${service} waits here, so that none can run in shadow.`;
  const { consent, progress, assignment } = attempt;
  const what = `Release ${assignment.release.number} of ${service}`;
  switch (progress.at) {
    case 'offered': {
      const first =
        consent.prepare === null
          ? `Accept its fetch first: openward node accept ${service} (where a standing rule fetches it, \`openward node status\` shows how far it is).`
          : 'It is on its way: `openward node status` shows how far.';
      return `${what} is not fetched and checked yet. ${first} Start the shadow when it stands here, before you let it serve.`;
    }
    case 'activated':
    case 'committed':
    case 'goingBack':
      return `${what} has been activated: only what waits to serve can run in shadow.`;
    case 'staged':
    case 'evaluated':
    case 'ended':
      return `${what} waits no more, and no other release does, so that none can run in shadow.`;
  }
}

/** Why it is over; null where it goes on. */
export function endOf(
  { assignment, until }: Pick<PolicyShadow, 'assignment' | 'until'>,
  attempt: Attempt | null,
  now: number,
): ShadowEnd | null {
  if (attempt === null || attempt.assignment.id !== assignment) return 'attemptEnded';
  switch (attempt.progress.at) {
    case 'staged':
    case 'evaluated':
      return now >= until ? 'until' : null;
    case 'activated':
    case 'committed':
    case 'goingBack':
      return 'activated';
    case 'offered':
    case 'ended':
      return 'attemptEnded';
  }
}
