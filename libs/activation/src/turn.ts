import type { Digest, Name } from '@openward/contracts';
import type { CommandAnswer, Effect, Now } from './events.ts';
import { applyEntry, EMPTY_RECORD, type Entry } from './journal.ts';
import type { Attempt, Durable, Held, Job, NodeState, Progress, ServiceRecord, Work } from './model.ts';

export const IDLE: Job = { doing: 'nothing' };

export const FRESH_WORK: Work = {
  served: undefined,
  switching: null,
  loaded: [],
  loading: null,
  loadRests: {},
  switchRests: {},
  probe: { state: 'none' },
  graceProbes: 0,
  exits: [],
  soakSince: null,
  judgeAt: null,
  job: IDLE,
  waits: null,
  waitsSince: null,
};

/**
 * One step being made: what the node knows so far and the effects so far, in order. What is known durably changes through
 * `record` alone, which puts the entry among the effects at the same place; nothing outside a step sees it half done.
 */
export class Turn {
  readonly now: Now;
  readonly #effects: Effect[] = [];
  readonly #answers: Effect[] = [];
  readonly #work: Record<Name, Work>;
  readonly #before: NodeState;
  #durable: Durable;
  #journalled: number;
  #nextTask: number;

  constructor(state: NodeState, now: Now) {
    this.now = now;
    this.#before = state;
    this.#durable = state.durable;
    this.#journalled = state.journalled;
    this.#work = { ...state.work };
    this.#nextTask = state.nextTask;
  }

  get durable(): Durable {
    return this.#durable;
  }

  get journalled(): number {
    return this.#journalled;
  }

  /** Grows with each effect and entry: where it stands still, there is nothing left to do. */
  get progress(): number {
    return this.#effects.length;
  }

  services(): readonly Name[] {
    return Object.keys(this.#durable.services).sort();
  }

  service(name: Name): ServiceRecord {
    return this.#durable.services[name] ?? EMPTY_RECORD;
  }

  attempt(name: Name): Attempt | null {
    return this.service(name).attempt;
  }

  work(name: Name): Work {
    return this.#work[name] ?? FRESH_WORK;
  }

  isRecalled(release: Digest): boolean {
    return this.#durable.recalled.includes(release);
  }

  record(entry: Entry): void {
    this.#durable = applyEntry(this.#durable, entry);
    this.#journalled = entry.kind === 'checkpoint' ? 1 : this.#journalled + 1;
    this.#effects.push({ kind: 'journal', entry });
  }

  emit(effect: Effect): void {
    this.#effects.push(effect);
  }

  /** Given when everything that the command changed is durable, and the network's report is on its way. */
  answer(id: number, answer: CommandAnswer): void {
    this.#answers.push({ kind: 'answer', id, answer });
  }

  change(name: Name, work: Partial<Work>): void {
    this.#work[name] = { ...this.work(name), ...work };
  }

  task(): number {
    return this.#nextTask++;
  }

  /** Ends what runs for the attempt; its late answer finds another task's number, and is nobody's. */
  cancelJob(name: Name): void {
    const { job } = this.work(name);
    if ('task' in job) this.emit({ kind: 'cancel', task: job.task });
    this.change(name, { job: IDLE });
  }

  cancelProbe(name: Name): void {
    const { probe } = this.work(name);
    if (probe.state === 'running') this.emit({ kind: 'cancel', task: probe.task });
    this.change(name, { probe: { state: 'none' } });
  }

  /** A turn may look at a wait anew and come to the same: it goes on. */
  #stamped(): NodeState['work'] {
    return Object.fromEntries(
      Object.entries(this.#work).map(([name, work]) => {
        const before = this.#before.work[name] ?? FRESH_WORK;
        const asked = this.#before.durable.services[name]?.attempt?.assignment.id;
        const goesOn = before.waits === work.waits && asked === this.attempt(name)?.assignment.id;
        const since = work.waits === null ? null : goesOn ? before.waitsSince : this.now.wall;
        return [name, work.waitsSince === since ? work : { ...work, waitsSince: since }];
      }),
    );
  }

  end(): { readonly state: NodeState; readonly effects: readonly Effect[]; readonly answers: readonly Effect[] } {
    return {
      state: {
        durable: this.#durable,
        journalled: this.#journalled,
        work: this.#stamped(),
        nextTask: this.#nextTask,
        isBooted: true,
      },
      effects: this.#effects,
      answers: this.#answers,
    };
  }
}

/** The attempt of a service, if it is at this point. */
export function attemptAt<A extends Progress['at']>(
  turn: Turn,
  service: Name,
  at: A,
): Attempt<Extract<Progress, { readonly at: A }>> | null {
  const attempt = turn.attempt(service);
  return attempt?.progress.at === at ? (attempt as Attempt<Extract<Progress, { readonly at: A }>>) : null;
}

/** Every release of a service that the node still has a use for. */
export function heldOf(record: ServiceRecord): readonly Held[] {
  const { active, lastGood, anchor, attempt } = record;
  const progress = attempt?.progress;
  const found: (Held | null)[] = [active, lastGood, anchor];
  if (progress && progress.at !== 'ended' && progress.at !== 'offered') found.push(progress.candidate);
  if (progress?.at === 'activated') found.push(progress.target, progress.before);
  if (progress?.at === 'committed' && !progress.completed) found.push(progress.target);
  if (progress?.at === 'goingBack') found.push(progress.to);
  return found.filter((held) => held !== null);
}

/** Twice as long each time, from a second to a minute. */
export const backOff = (tries: number): number => Math.min(60_000, 1000 * 2 ** Math.min(tries - 1, 6));
