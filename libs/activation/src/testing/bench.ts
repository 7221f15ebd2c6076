import type { Assignment, DesiredState, NodeStep, PermitReply } from '@openward/contracts';
import type { Command, CommandAnswer, Effect, Event } from '../events.ts';
import type { Entry } from '../journal.ts';
import type { NodeState, ServiceRecord, Work } from '../model.ts';
import { offersOf } from '../offers.ts';
import { stepOf } from '../report.ts';
import { INITIAL, step } from '../step.ts';
import { FRESH_WORK } from '../turn.ts';
import { aDesiredState, anAssignment, RESULTS } from './documents.ts';
import { heldFor } from './simulated-disk.ts';

type Yes = Extract<Command, { readonly kind: 'accept' }>;

/** One node's machine on a bench: events go in one by one, and nobody carries out its effects unless `answer` plays their part. */
export class Bench {
  state: NodeState = INITIAL;
  readonly entries: Entry[] = [];
  effects: readonly Effect[] = [];
  monotonic = 1000;
  wall = 1_767_225_600_000;
  minuteOfWeek = 0;
  terms = 'terms';
  readonly service: string;
  #generation = 0;
  #draws = 0;

  constructor(service = 'triage') {
    this.service = service;
    this.send({ kind: 'booted', entries: [] });
  }

  send(event: Event): readonly Effect[] {
    const nonce = `nonce-${this.#draws++}`;
    const { monotonic, wall, minuteOfWeek, terms } = this;
    const now = { monotonic, wall, minuteOfWeek, nonce, terms };
    const { state, effects } = step(this.state, event, now);
    this.state = state;
    this.effects = effects;
    for (const effect of effects) if (effect.kind === 'journal') this.entries.push(effect.entry);
    return effects;
  }

  pass(ms: number): this {
    this.monotonic += ms;
    this.wall += ms;
    this.send({ kind: 'tick' });
    return this;
  }

  command(command: Command): CommandAnswer | undefined {
    return this.send({ kind: 'command', id: 1, command }).find((effect) => effect.kind === 'answer')?.answer;
  }

  /** Yes to what is asked now, or to `answer`. */
  accept(answer: Partial<Yes> = {}): CommandAnswer | undefined {
    return this.command({ ...this.yes(), ...answer });
  }

  yes(service = this.service): Yes {
    const offer = offersOf(this.state).find((one) => one.service === service);
    const asked = offer?.question ?? 'prepare';
    const assignment = this.state.durable.services[service]?.attempt?.assignment.id ?? 'nobody-offered-this-one';
    return { kind: 'accept', service, assignment, question: asked === 'acceptSuite' ? 'prepare' : asked };
  }

  desired(assignments: readonly Assignment[], rest: Partial<DesiredState> = {}): this {
    this.send({ kind: 'desired', doc: aDesiredState(++this.#generation, assignments, rest) });
    return this;
  }

  /** The agent ends and starts anew, with what the journal holds. */
  restart(): this {
    this.monotonic += 500;
    this.send({ kind: 'booted', entries: [...this.entries] });
    return this;
  }

  get record(): ServiceRecord {
    return this.state.durable.services[this.service]!;
  }

  get work(): Work {
    return this.state.work[this.service] ?? FRESH_WORK;
  }

  get step(): NodeStep {
    return stepOf(this.record.attempt!, this.record, this.work);
  }

  get assignment(): Assignment {
    return this.record.attempt!.assignment;
  }

  /** The task that runs for the attempt; one that nobody runs where none does. */
  get task(): number {
    const { job } = this.work;
    return 'task' in job ? job.task : 9999;
  }

  permit(lifetimeMs = 60_000, asked = this.work.job): PermitReply {
    const { id, planHash, release } = this.assignment;
    const nonce = asked.doing === 'asking' ? asked.nonce : 'nobody-asked-this-one';
    return {
      v: 1,
      nonce,
      answer: { granted: true, assignment: id, planHash, release: release.digest, lifetimeMs },
    };
  }

  /** Answers whatever is under way, well; and a person says yes to whatever waits. False where nothing is left to answer. */
  answer(): boolean {
    const { service, work, task } = this;
    const { job, loading, switching, probe, waits, judgeAt } = work;
    if (loading !== null) this.loaded();
    else if (switching !== null) this.send({ kind: 'switched', service, held: switching });
    else if (probe.state === 'running') {
      this.send({ kind: 'probed', service, task: probe.task, result: 'ok', reference: '' });
    } else if (job.doing === 'fetching') this.send({ kind: 'fetched', service, task });
    else if (job.doing === 'verifying') this.send({ kind: 'verified', service, task, held: heldFor(this.assignment) });
    else if (job.doing === 'evaluating') this.send({ kind: 'evaluated', service, task, result: RESULTS.pass });
    else if (job.doing === 'asking') this.send({ kind: 'permitAnswered', service, task, reply: this.permit() });
    else if (waits === 'consentToPrepare' || waits === 'consentToActivate' || waits === 'resultHeld') {
      this.accept();
    } else if (judgeAt !== null) this.judge('ok');
    else return false;
    return true;
  }

  loaded(): void {
    const task = this.work.loading?.task ?? 9999;
    const held = Object.values(this.state.durable.services).flatMap((record) => [
      record.active,
      record.lastGood,
      record.attempt && 'candidate' in record.attempt.progress ? record.attempt.progress.candidate : null,
    ]);
    const file = held.find((it) => it?.key === this.work.loading?.key)?.artifact.file ?? 'sha256:none';
    this.send({ kind: 'loaded', service: this.service, task, chain: { base: file } });
  }

  /** Lets the soak run out, and gives its last verdict. */
  judge(verdict: 'ok' | 'over' | 'tooFewRequests', final = true): void {
    this.pass(this.assignment.soak.soakMs);
    const { service } = this;
    this.send({ kind: 'judged', service, held: this.record.active!, final, verdict });
  }

  /** Goes on, with good answers, until the attempt is at this step. */
  until(wanted: NodeStep): this {
    for (let turns = 0; this.step !== wanted; turns++) {
      if (turns > 50 || !this.answer()) throw new Error(`stuck at ${this.step}, on the way to ${wanted}`);
    }
    return this;
  }
}

/** A node on which release 1 is committed, in a rollout that is over: what every later rollout starts from. */
export function settled(service = 'triage'): Bench {
  const bench = new Bench(service);
  bench.desired([first(service)]);
  bench.command({ kind: 'acceptSuite', suite: first(service).suite.digest, tooFewItems: false });
  bench.until('active').judge('ok');
  bench.desired([{ ...first(service), phase: 'complete' }]);
  return bench;
}

export const first = (service = 'triage'): Assignment => anAssignment({ service, number: 1 });

/** Release 2, whose way back is release 1. */
export const second = (rest: Partial<Assignment> = {}): Assignment =>
  anAssignment({
    number: 2,
    from: first().release.digest,
    rollbackTarget: first().release.digest,
    ...rest,
  });
