import { type DesiredState, ReasonCode } from '@openward/contracts';
import { dueIn } from './due.ts';
import type { Command, CommandAnswer, Effect, Event, Now } from './events.ts';
import { isInUse, keepOf, keepOfBoth } from './keep.ts';
import type { Durable, NodeState } from './model.ts';
import { momentOf } from './moment.ts';
import { type Offer, offersOf } from './offers.ts';
import type { Ports, StatePart } from './ports.ts';
import { evidenceBody, reportOf } from './report.ts';
import { INITIAL, step } from './step.ts';

/** The node's reconcile loop. One for each agent; `done` rejects when the journal cannot be trusted any more. */
export interface Reconciler {
  /** A verified desired state. An older one than the newest known is ignored (D6). */
  desired(doc: DesiredState): void;
  /** Resolves when the answer is durable, and the gateway has followed it. */
  command(command: Command): Promise<CommandAnswer>;
  /** The site has changed its own terms, and what was measured under others may be outdated. */
  lookAgain(): void;
  /** What waits for a person here. */
  offers(): readonly Offer[];
  /** What the network may see, for the report that the agent sends every ten minutes. */
  report(): StatePart;
  state(): NodeState;
  /** Ends the tasks beside, and resolves when the effect that runs has ended. What is served is left as it is. */
  stop(): Promise<void>;
  /** Resolves after `stop`. Rejects when nothing more can be made durable: the agent must end, and start anew. */
  readonly done: Promise<void>;
}

type Beside = Extract<
  Effect,
  { readonly kind: 'fetch' | 'verify' | 'load' | 'evaluate' | 'askPermit' | 'probe'; readonly task: number }
>;
type Inline = Exclude<Effect, Beside>;

/**
 * Carries out what the machine decides; it decides nothing itself. Events wait in one queue; the effects of one are run, in
 * order, before the next is stepped. What takes long runs beside, and comes back as an event. A crash can fall between any
 * two awaits.
 */
export function startReconciler(ports: Ports): Reconciler {
  return new Loop(ports);
}

class Loop implements Reconciler {
  readonly done: Promise<void>;
  readonly #ports: Ports;
  readonly #queue: Event[] = [];
  readonly #tasks = new Map<number, AbortController>();
  readonly #asked = new Map<number, (answer: CommandAnswer) => void>();
  readonly #stopListening: () => void;
  #state: NodeState = INITIAL;
  #nextCommand = 1;
  #isPumping = false;
  #isStopped = false;
  #alarm: { readonly at: number; readonly controller: AbortController } | null = null;
  /** Loads and unloads, one after the other: a runtime that does two at once needs room for both. */
  #lane: Promise<void> = Promise.resolve();
  /** What a restart would find at least: each effect of the step that led to it has been run. */
  #settled: Durable = INITIAL.durable;
  readonly #unloads = new Set<Promise<void>>();
  #reclaims: 'none' | 'running' | 'runningAndAskedAgain' = 'none';
  /** The removal of files that runs, if one does: a fetch that began in its midst could lose what it brought. */
  #removal: Promise<void> = Promise.resolve();
  #resolve!: () => void;
  #reject!: (error: unknown) => void;

  constructor(ports: Ports) {
    this.#ports = ports;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#stopListening = ports.runtime.onExit(() => this.#put({ kind: 'runtimeExited' }));
    void this.#boot();
  }

  desired(doc: DesiredState): void {
    this.#put({ kind: 'desired', doc });
  }

  command(command: Command): Promise<CommandAnswer> {
    if (this.#isStopped) return Promise.resolve({ done: false, why: 'notReady' });
    const id = this.#nextCommand++;
    return new Promise((resolve) => {
      this.#asked.set(id, resolve);
      this.#put({ kind: 'command', id, command });
    });
  }

  lookAgain(): void {
    this.#put({ kind: 'tick' });
  }

  offers(): readonly Offer[] {
    return offersOf(this.#state);
  }

  report(): StatePart {
    return reportOf(this.#state);
  }

  state(): NodeState {
    return this.#state;
  }

  async stop(): Promise<void> {
    this.#halt();
    if (!this.#isPumping) this.#resolve();
    await this.done;
  }

  async #boot(): Promise<void> {
    try {
      const entries = await this.#ports.journal.read();
      // Before whatever came in meanwhile: nothing is decided before the journal has been read.
      this.#queue.unshift({ kind: 'booted', entries });
      await this.#pump();
    } catch (error) {
      this.#fail(error);
    }
  }

  #put(event: Event): void {
    if (this.#isStopped) return;
    this.#queue.push(event);
    if (this.#state.isBooted) void this.#pump();
  }

  async #pump(): Promise<void> {
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      for (let event; !this.#isStopped && (event = this.#queue.shift()) !== undefined;) {
        const now = momentOf(this.#ports);
        const { state, effects } = step(this.#state, event, now);
        this.#state = state;
        for (const effect of effects) await this.#run(effect);
        this.#settled = state.durable;
        this.#arm(now);
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#isPumping = false;
    if (this.#isStopped) this.#resolve();
  }

  /** Time is an event too: the next one is due when waiting alone could change something. */
  #arm(now: Now): void {
    if (this.#isStopped) return;
    const ms = dueIn(this.#state, now);
    const at = now.monotonic + ms;
    // One that rings sooner than it must does no harm: the next is set when it has.
    if (this.#alarm !== null && this.#alarm.at <= at) return;
    this.#alarm?.controller.abort();
    const controller = new AbortController();
    const alarm = { at, controller };
    this.#alarm = alarm;
    this.#ports.timers.sleep(ms, controller.signal).then(
      () => {
        if (this.#alarm === alarm) this.#alarm = null;
        this.#put({ kind: 'tick' });
      },
      () => undefined,
    );
  }

  async #run(effect: Effect): Promise<void> {
    switch (effect.kind) {
      case 'fetch':
      case 'verify':
      case 'load':
      case 'evaluate':
      case 'askPermit':
      case 'probe':
        return this.#start(effect);
      case 'journal':
      case 'unload':
      case 'cancel':
      case 'switchTo':
      case 'stop':
      case 'judge':
      case 'discloseEvidence':
      case 'report':
      case 'reclaim':
      case 'answer':
        return this.#runInline(effect);
    }
  }

  async #runInline(effect: Inline): Promise<void> {
    const { journal, serving, disclose } = this.#ports;
    switch (effect.kind) {
      case 'journal':
        await journal.append(effect.entry);
        return journal.sync();
      case 'stop':
        return serving.stop(effect.service, effect.why, effect.held);
      case 'switchTo':
        return this.#switchTo(effect);
      case 'judge':
        return this.#judge(effect);
      case 'discloseEvidence':
        return disclose.evidence(evidenceBody(effect));
      case 'report':
        return disclose.state(reportOf(this.#state));
      case 'reclaim':
        this.#settled = this.#state.durable;
        void this.#reclaim();
        return;
      case 'unload': {
        const unload: Promise<void> = this.#unload(effect.key).finally(() => this.#unloads.delete(unload));
        this.#unloads.add(unload);
        return;
      }
      case 'cancel':
        this.#tasks.get(effect.task)?.abort();
        this.#tasks.delete(effect.task);
        return;
      case 'answer':
        this.#asked.get(effect.id)?.(effect.answer);
        this.#asked.delete(effect.id);
        return;
    }
  }

  /**
   * Beside, so that no halt and no recall waits for a disk; one at a time, by what is known when it begins. It comes after
   * the unloads, which wait for their last request: nothing is taken away under one. What should have gone, and could not,
   * goes at the next start, or with what is given up next.
   */
  async #reclaim(): Promise<void> {
    if (this.#reclaims !== 'none') {
      this.#reclaims = 'runningAndAskedAgain';
      return;
    }
    do {
      this.#reclaims = 'running';
      await Promise.all(this.#unloads);
      await this.#inLane(() => {
        if (this.#isStopped) return Promise.resolve();
        // What has been decided and is not written yet gives nothing up: a restart would look for it.
        const keep = keepOfBoth(keepOf(this.#settled), keepOf(this.#state.durable));
        this.#removal = this.#ports.fetch.reclaim(keep).catch((error: unknown) => void this.#warn('reclaim', error));
        return this.#removal;
      });
    } while (this.#isAskedAgain());
    this.#reclaims = 'none';
  }

  #isAskedAgain(): boolean {
    return this.#reclaims === 'runningAndAskedAgain' && !this.#isStopped;
  }

  async #switchTo({ service, held }: Extract<Effect, { readonly kind: 'switchTo' }>): Promise<void> {
    try {
      await this.#ports.serving.switchTo(service, held);
      this.#put({ kind: 'switched', service, held });
    } catch (error) {
      this.#put({ kind: 'switchFailed', service, held, reference: this.#warn('switch', error) });
    }
  }

  async #judge({ service, held, limits }: Extract<Effect, { readonly kind: 'judge' }>): Promise<void> {
    try {
      const verdict = await this.#ports.serving.judge(service, held, limits);
      this.#put({ kind: 'judged', service, held, final: limits.final, verdict });
    } catch (error) {
      // The machine asks again.
      this.#warn('judge', error);
    }
  }

  /** Requests in flight end on the old release. Another release may be served by it, or it may be wanted again: then it stays. */
  async #unload(key: string): Promise<void> {
    const { serving, runtime } = this.#ports;
    if (isInUse(this.#state, key)) return;
    try {
      await serving.drain(key);
      await this.#inLane(async () => {
        if (!isInUse(this.#state, key)) await runtime.unload(key);
      });
    } catch (error) {
      this.#warn('unload', error);
    }
  }

  #inLane<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#lane.then(work);
    this.#lane = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  #start(effect: Beside): void {
    const controller = new AbortController();
    this.#tasks.set(effect.task, controller);
    void this.#carryOut(effect, controller.signal)
      .catch((error: unknown) => this.#failure(effect, error))
      .then((event) => {
        // A cancelled task has nobody to answer to.
        if (this.#tasks.delete(effect.task)) this.#put(event);
      });
  }

  async #carryOut(effect: Beside, signal: AbortSignal): Promise<Event> {
    const { fetch, verify, runtime, evaluate, permits, prober } = this.#ports;
    const { service, task } = effect;
    switch (effect.kind) {
      case 'fetch': {
        const waiting = (code: Extract<Event, { kind: 'fetchWaiting' }>['code']): void =>
          this.#put({ kind: 'fetchWaiting', service, task, code });
        await this.#removal;
        signal.throwIfAborted();
        await fetch.fetch(effect.assignment, waiting, signal);
        return { kind: 'fetched', service, task };
      }
      case 'verify':
        return { kind: 'verified', service, task, held: await verify.verify(effect.assignment, effect.active, signal) };
      case 'load': {
        const chain = await this.#inLane(() => runtime.load(effect.held, signal));
        return { kind: 'loaded', service, task, chain };
      }
      case 'evaluate': {
        const { assignment, candidate, live, anchor } = effect;
        const progress = (quarters: number): void => this.#put({ kind: 'quarterEvaluated', service, task, quarters });
        const result = await evaluate.evaluate({ assignment, candidate, live, anchor }, progress, signal);
        return { kind: 'evaluated', service, task, result };
      }
      case 'askPermit': {
        const { nonce, assignment, planHash, release } = effect;
        const reply = await permits.ask({ nonce, assignment, planHash, release }, signal);
        return { kind: 'permitAnswered', service, task, reply };
      }
      case 'probe': {
        const result = await prober.probe(service, effect.held, effect.timeoutMs, signal);
        return { kind: 'probed', service, task, result, reference: this.#reference() };
      }
    }
  }

  #failure({ kind, service, task }: Beside, error: unknown): Event {
    const reference = this.#warn(kind, error);
    const code = codeOf(error);
    switch (kind) {
      case 'fetch':
        return { kind: 'fetchFailed', service, task, code, reference };
      case 'verify':
        return { kind: 'verifyFailed', service, task, code, reference };
      case 'load':
        return { kind: 'loadFailed', service, task, code, reference };
      case 'evaluate':
        return { kind: 'evaluateFailed', service, task, code, reference };
      case 'askPermit':
        return { kind: 'permitFailed', service, task };
      case 'probe':
        return { kind: 'probed', service, task, result: 'failed', reference };
    }
  }

  /** What went wrong stays in this node's log, under a reference that may leave (P6). */
  #warn(what: string, error: unknown): string {
    const reference = this.#reference();
    this.#ports.log.warn(`activation.${what}.failed`, { reference, error });
    return reference;
  }

  #reference(): string {
    return this.#ports.ids.uuid().slice(0, 8);
  }

  #halt(): void {
    this.#isStopped = true;
    this.#stopListening();
    this.#alarm?.controller.abort();
    for (const controller of this.#tasks.values()) controller.abort();
    this.#tasks.clear();
    for (const answer of this.#asked.values()) answer({ done: false, why: 'notReady' });
    this.#asked.clear();
  }

  #fail(error: unknown): void {
    this.#ports.log.error('activation.stopped', { error });
    this.#halt();
    this.#reject(error);
  }
}

/** The one place that tells what ends an attempt from what may pass (`ports.ts`). */
function codeOf(error: unknown): ReasonCode | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  const code = ReasonCode.safeParse(error.code).data ?? null;
  return code === 'runtimeExited' ? null : code;
}
