import { setTimeout as sleep } from 'node:timers/promises';
import { Refusal, type Digest, type Name, type PromptPolicy, type Release } from '@openward/contracts';
import { isSame, type Held, type JudgeLimits, type Serving, type StopWhy } from '@openward/activation';
import type { CompiledPolicy, SiteTerms } from '@openward/policy';
import { fallbackOf } from './fallback.ts';
import { counted, judgeSoak, type Asked, type Ended } from './soak.ts';

/** What a request is answered with. It holds on to its release until it ends, whatever is switched meanwhile. */
export interface Lease {
  readonly held: Held;
  readonly release: Release;
  /** The release's policy, made ready for this site. */
  readonly policy: CompiledPolicy;
  /** The service's, in this site's words. */
  readonly fallbackText: () => string;
  /** What served before; null: nothing did, or it cannot be read. */
  readonly before: Before | null;
  /** To be called once, with what became of the request; `refused`: by the policy, which is news to the application. */
  end(outcome: Ended): void;
}

/** To compare with what the release before would have refused. */
export type Before = Pick<Lease, 'release' | 'policy'>;

export interface ServedService {
  readonly service: Name;
  readonly release: Digest | null;
  readonly number: number | null;
  readonly since: number;
  readonly stopped: StopWhy | null;
}

interface Slot {
  readonly held: Held | null;
  readonly release: Release | null;
  /** Null only where nothing may be answered. */
  readonly policy: CompiledPolicy | null;
  readonly before: Before | null;
  readonly stopped: StopWhy | null;
  readonly since: number;
  /** Reading the release of a service that stands stopped since a start; over when its fallback text is known. */
  readonly telling: Promise<void> | null;
}

/** Of one release, since its probe: counts that never leave the gateway (R3). */
interface Tally {
  readonly key: string;
  /** By the application that asked, as its API key's id. */
  asked: Map<string, Asked>;
  inFlight: number;
  idle: (() => void)[];
}

/** How long a refused caller waits for the fallback text to be read; without it the refusal stands all the same. */
const FALLBACK_WAIT_MS = 1_000;

const HALTED: ReadonlySet<StopWhy> = new Set(['halted']);

/**
 * The gateway's switch: which release answers for which service. A switch is one assignment in memory, so no request sees half
 * of it; those in flight keep their lease.
 */
export class ServedReleases implements Serving {
  readonly #slots = new Map<Name, Slot>();
  readonly #tallies = new Map<string, Tally>();
  readonly #releaseOf: (held: Held) => Promise<Release>;
  readonly #cameFrom: (service: Name, held: Held) => Held | null;
  readonly #compile: (policy: PromptPolicy) => CompiledPolicy;
  readonly #terms: () => SiteTerms;
  readonly #drainMs: number;
  readonly #now: () => number;

  constructor(options: {
    readonly releaseOf: (held: Held) => Promise<Release>;
    /** What served before this, as the journal says; asked where nothing has served since the agent's start. */
    readonly cameFrom: (service: Name, held: Held) => Held | null;
    /** With the site's own terms as they are now. Throws where they do not fit the policy: then nothing is switched. */
    readonly compile: (policy: PromptPolicy) => CompiledPolicy;
    /** The site's own, as they are now. */
    readonly terms: () => SiteTerms;
    readonly drainMs: number;
    readonly now: () => number;
  }) {
    this.#releaseOf = options.releaseOf;
    this.#cameFrom = options.cameFrom;
    this.#compile = options.compile;
    this.#terms = options.terms;
    this.#drainMs = options.drainMs;
    this.#now = options.now;
  }

  async switchTo(service: Name, held: Held): Promise<void> {
    const release = await this.#releaseOf(held);
    const earlier = beforeOf(this.#slots.get(service)) ?? (await this.#readBefore(service, held));
    const current = this.#slots.get(service);
    if (current?.stopped === null && isSame(current.held, held)) return;
    const policy = this.#compile(release.policy);
    // Counts begin anew; requests of an earlier time on the same release are still in flight, and a drain waits for them.
    this.#tally(held).asked = new Map();
    const before = current?.held?.release === held.release ? current.before : earlier;
    this.#slots.set(service, { held, release, policy, before, stopped: null, since: this.#now(), telling: null });
    for (const [name, tally] of this.#tallies) this.#forget(name, tally);
  }

  async #readBefore(service: Name, held: Held): Promise<Before | null> {
    const from = this.#cameFrom(service, held);
    if (from === null) return null;
    try {
      const release = await this.#releaseOf(from);
      return { release, policy: this.#compile(release.policy) };
    } catch {
      // Then it is as where nothing served before: nothing that serves waits for it.
      return null;
    }
  }

  stop(service: Name, why: StopWhy, held: Held | null): Promise<void> {
    const current = this.#slots.get(service);
    const release = current?.release ?? null;
    this.#slots.set(service, {
      held: current?.held ?? null,
      release,
      policy: current?.policy ?? null,
      before: current?.before ?? null,
      stopped: why,
      since: this.#now(),
      telling: release === null && held !== null ? this.#tellFallback(service, held) : (current?.telling ?? null),
    });
    return Promise.resolve();
  }

  /**
   * Stopped since a start, so that nothing has served yet: the fallback text stands in the release all the same. A brake
   * waits for no disk, but whoever is refused meanwhile waits for the text.
   */
  async #tellFallback(service: Name, held: Held): Promise<void> {
    const release = await this.#releaseOf(held).catch(() => null);
    const current = this.#slots.get(service);
    if (current !== undefined && current.release === null) this.#slots.set(service, { ...current, release });
  }

  async drain(key: string): Promise<void> {
    const ofModel = [...this.#tallies.values()].filter((tally) => tally.key === key);
    await Promise.all(ofModel.map((tally) => this.#whenIdle(tally)));
  }

  #whenIdle(tally: Tally): Promise<void> {
    if (tally.inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#drainMs);
      tally.idle.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  judge(_service: Name, held: Held, limits: JudgeLimits): Promise<'ok' | 'over' | 'tooFewRequests'> {
    return Promise.resolve(judgeSoak([...(this.#tallies.get(nameOf(held))?.asked.values() ?? [])], limits));
  }

  /**
   * For a request of one application, by its key's id. Refuses with the code that the caller is to see; the message carries the
   * service's fallback text.
   */
  async lease(service: string, application = ''): Promise<Lease> {
    const slot = this.#slots.get(service);
    if (slot === undefined) throw new Refusal('modelNotFound', `There is no service ${JSON.stringify(service)} here.`);
    if (slot.stopped !== null || slot.held === null || slot.release === null || slot.policy === null)
      throw await this.#refusalOf(service, slot);
    const { release } = slot;
    const tally = this.#tally(slot.held);
    const name = nameOf(slot.held);
    tally.inFlight += 1;
    let ended = false;
    return {
      held: slot.held,
      release,
      policy: slot.policy,
      fallbackText: () => fallbackOf(release.service, this.#terms()),
      before: slot.before,
      end: (outcome) => {
        if (ended) return;
        ended = true;
        tally.inFlight -= 1;
        if (outcome !== 'left') tally.asked.set(application, counted(tally.asked.get(application), outcome));
        if (tally.inFlight > 0) return;
        for (const resolve of tally.idle.splice(0)) resolve();
        this.#forget(name, tally);
      },
    };
  }

  /**
   * After the site changed its own terms: every policy is made ready anew, for all services or, where one of them refuses, for
   * none. Requests in flight end under what they began with.
   */
  recompile(): void {
    const anew = [...this.#slots].map(([service, slot]) => {
      const policy = slot.policy === null ? null : this.#compile(slot.policy.policy);
      return [service, { ...slot, policy }] as const;
    });
    for (const [service, slot] of anew) this.#slots.set(service, slot);
  }

  /** The policy that a service answers under, or would if it were not stopped. */
  policyOf(service: string): PromptPolicy | null {
    return this.#slots.get(service)?.policy?.policy ?? null;
  }

  /** Whether this is a service's name here, serving or not. */
  has(service: string): boolean {
    return this.#slots.has(service);
  }

  list(): ServedService[] {
    return [...this.#slots].map(([service, { held, stopped, since }]) => ({
      service,
      release: stopped === null ? (held?.release ?? null) : null,
      number: stopped === null ? (held?.number ?? null) : null,
      stopped,
      since,
    }));
  }

  async #refusalOf(service: string, { stopped, telling }: Slot): Promise<Refusal> {
    if (telling !== null) await Promise.race([telling, sleep(FALLBACK_WAIT_MS, undefined, { ref: false })]);
    const release = this.#slots.get(service)?.release ?? null;
    const fallback = release === null ? 'Go on without this service.' : fallbackOf(release.service, this.#terms());
    if (stopped === 'recalled')
      return new Refusal('notServing', `The release of the service ${service} was taken back. ${fallback}`, {
        next: 'Its release was recalled; follow the fallback text, and ask hospital IT.',
      });
    return stopped !== null && HALTED.has(stopped)
      ? new Refusal('halted', `The service ${service} is halted at this site. ${fallback}`)
      : new Refusal('notServing', `The service ${service} has no release that serves now. ${fallback}`);
  }

  /** Releases of one model are counted apart: an error of one is none of the other's. */
  #tally(held: Held): Tally {
    const name = nameOf(held);
    const before = this.#tallies.get(name);
    if (before !== undefined) return before;
    const tally: Tally = { key: held.key, asked: new Map(), inFlight: 0, idle: [] };
    this.#tallies.set(name, tally);
    return tally;
  }

  /** Of what no service stands on, as soon as none of its requests is in flight. */
  #forget(name: string, { inFlight }: Tally): void {
    if (inFlight > 0) return;
    for (const { held } of this.#slots.values()) if (held !== null && nameOf(held) === name) return;
    this.#tallies.delete(name);
  }
}

const nameOf = ({ release, key }: Held): string => `${release} ${key}`;

const beforeOf = (slot: Slot | undefined): Before | null =>
  slot === undefined || slot.release === null || slot.policy === null
    ? null
    : { release: slot.release, policy: slot.policy };
