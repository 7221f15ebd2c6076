import type { EvaluationFailure, Name } from '@openward/contracts';
import { endUnchanged } from './back.ts';
import { obey } from './commands.ts';
import { takeDesired, takeUpAssignment } from './desired.ts';
import type { Effect, Event, Now } from './events.ts';
import { type Entry, NOTHING_KNOWN, replay } from './journal.ts';
import { hasShrunk, keepOf } from './keep.ts';
import type { End, Job, NodeState } from './model.ts';
import { permitFailed, takePermit } from './permit.ts';
import { dropOutdated, pursue } from './pursue.ts';
import { reportOf } from './report.ts';
import { converge, loaded, loadFailed, switched, switchFailed } from './serve.ts';
import { attemptAt, backOff, heldOf, IDLE, Turn } from './turn.ts';
import { judged, probed, restarted, runtimeExited, watch } from './watch.ts';

export const INITIAL: NodeState = { durable: NOTHING_KNOWN, journalled: 0, work: {}, nextTask: 1, isBooted: false };

/** A journal longer than this is written anew as one entry, which stands for all before it. */
const CHECKPOINT_AFTER = 500;
/** Passes after which a step that still finds something to do is a bug. */
const MOST_PASSES = 20;
const EVALUATION_TRIES = 3;

/**
 * The node's machine. Takes in one event at one moment, then looks at every service, level by level, until nothing is left
 * that could be done now. The effects are run in order before the next event is stepped.
 */
export function step(
  state: NodeState,
  event: Event,
  now: Now,
): { readonly state: NodeState; readonly effects: readonly Effect[] } {
  if (!state.isBooted && event.kind !== 'booted') return beforeBoot(state, event);
  const turn = new Turn(event.kind === 'booted' ? readBack(event.entries) : state, now);
  if (event.kind === 'booted') for (const service of turn.services()) restarted(turn, service);
  else {
    // Before a person's answer is taken: it would be to a result that no longer says what would run.
    for (const service of turn.services()) dropOutdated(turn, service);
    takeIn(turn, event);
  }
  settle(turn);
  if (turn.journalled > CHECKPOINT_AFTER) turn.record({ kind: 'checkpoint', durable: turn.durable });
  return finish(state, turn, event.kind === 'booted');
}

/** Nothing can be decided before the journal has been read: a halt may stand in it. */
function beforeBoot(state: NodeState, event: Event): ReturnType<typeof step> {
  if (event.kind !== 'command') return { state, effects: [] };
  return { state, effects: [{ kind: 'answer', id: event.id, answer: { done: false, why: 'notReady' } }] };
}

const readBack = (entries: readonly Entry[]): NodeState => ({
  ...INITIAL,
  durable: replay(entries),
  journalled: entries.length,
});

function settle(turn: Turn): void {
  for (let pass = 0; ; pass++) {
    const before = turn.progress;
    for (const service of turn.services()) {
      takeUpAssignment(turn, service);
      pursue(turn, service);
      watch(turn, service);
      converge(turn, service);
    }
    if (turn.progress === before) return;
    if (pass > MOST_PASSES) throw new Error('a step that does not settle');
  }
}

/** The network's view last, when everything that it tells of is durable; then answers; then what is no longer needed. */
function finish(before: NodeState, turn: Turn, isBoot: boolean): ReturnType<typeof step> {
  const { state, effects, answers } = turn.end();
  const all = [...effects];
  if (isBoot || JSON.stringify(reportOf(before)) !== JSON.stringify(reportOf(state))) all.push({ kind: 'report' });
  all.push(...answers);
  if (before.durable === state.durable) return { state, effects: all };
  const keep = keepOf(state.durable);
  if (isBoot || hasShrunk(keepOf(before.durable), keep)) all.push({ kind: 'reclaim', keep });
  return { state, effects: all };
}

type Taken = Exclude<Event, { readonly kind: 'booted' }>;

function takeIn(turn: Turn, event: Taken): void {
  switch (event.kind) {
    case 'desired':
      return takeDesired(turn, event.doc);
    case 'command':
      return turn.answer(event.id, obey(turn, event.command));
    case 'permitAnswered':
      return takePermit(turn, event.service, event.task, event.reply);
    case 'permitFailed':
      return permitFailed(turn, event.service, event.task);
    case 'loaded':
      return loaded(turn, event.service, event.task, event.chain);
    case 'loadFailed':
      return loadFailed(turn, event.service, event.task, event.code, event.reference);
    case 'switched':
      return switched(turn, event.service, event.held);
    case 'switchFailed':
      return switchFailed(turn, event.service, event.held, event.reference);
    case 'probed':
      return probed(turn, event.service, event.task, event.result, event.reference);
    case 'judged':
      return judged(turn, event.service, event.held, event.final, event.verdict);
    case 'runtimeExited':
      for (const service of turn.services()) runtimeExited(turn, service);
      return;
    case 'tick':
      return;
    case 'fetched':
    case 'fetchWaiting':
    case 'fetchFailed':
    case 'verified':
    case 'verifyFailed':
    case 'quarterEvaluated':
    case 'evaluated':
    case 'evaluateFailed':
      return takeJobEvent(turn, event);
  }
}

type JobEvent = Extract<
  Event,
  {
    readonly kind:
      | 'fetched'
      | 'fetchWaiting'
      | 'fetchFailed'
      | 'verified'
      | 'verifyFailed'
      | 'quarterEvaluated'
      | 'evaluated'
      | 'evaluateFailed';
  }
>;

/** Answers of what runs beside for an attempt. One that comes for another task than the present one is dropped. */
function takeJobEvent(turn: Turn, event: JobEvent): void {
  const { service } = event;
  const { job } = turn.work(service);
  if (!('task' in job) || job.task !== event.task) return;
  switch (event.kind) {
    case 'fetchWaiting':
      if (job.doing === 'fetching') turn.change(service, { job: { ...job, waits: event.code } });
      return;
    case 'fetched':
      if (job.doing === 'fetching') verify(turn, service, job.tries);
      return;
    case 'verified': {
      if (job.doing !== 'verifying') return;
      // The same files may be here already, of another release too: their chain holds.
      const known = heldOf(turn.service(service)).find((held) => held.key === event.held.key);
      turn.change(service, { job: IDLE });
      const held = { ...event.held, chain: known?.chain ?? null };
      turn.record({ kind: 'staged', service, held, against: job.against });
      return;
    }
    case 'quarterEvaluated':
      if (job.doing === 'evaluating' && event.quarters > job.quarters) {
        turn.change(service, { job: { ...job, quarters: event.quarters } });
      }
      return;
    case 'evaluated':
      if (job.doing !== 'evaluating' || attemptAt(turn, service, 'staged') === null) return;
      if (event.result.verdict === 'error') return evaluationFault(turn, service, job, event.result);
      turn.change(service, { job: IDLE });
      return turn.record({ kind: 'evaluated', service, result: event.result });
    case 'evaluateFailed':
      if (job.doing !== 'evaluating') return;
      if (event.code === null) return evaluationFault(turn, service, job, event);
      return endUnchanged(turn, service, 'failed', event.code, event.reference);
    case 'fetchFailed':
    case 'verifyFailed':
      if (job.doing !== (event.kind === 'fetchFailed' ? 'fetching' : 'verifying')) return;
      if (event.code === null) return rest(turn, service, job);
      return endUnchanged(turn, service, 'failed', event.code, event.reference);
  }
}

function verify(turn: Turn, service: Name, tries: number): void {
  const attempt = attemptAt(turn, service, 'offered');
  if (attempt === null) return;
  const task = turn.task();
  const { active } = turn.service(service);
  turn.change(service, { job: { doing: 'verifying', task, tries, against: active?.release ?? null } });
  turn.emit({ kind: 'verify', service, task, assignment: attempt.assignment, active });
}

function rest(turn: Turn, service: Name, job: Extract<Job, { readonly tries: number }>): void {
  const tries = job.tries + 1;
  const waits = job.doing === 'fetching' ? (job.waits ?? 'network') : null;
  const until = turn.now.monotonic + backOff(tries);
  turn.change(service, { job: { doing: 'resting', tries, refused: null, until, waits }, waits });
}

/** A gate that could not be run says nothing about the release, so it is run again; but not for ever. */
function evaluationFault(
  turn: Turn,
  service: Name,
  job: Extract<Job, { readonly tries: number }>,
  { reference, failure }: { readonly reference?: string; readonly failure?: EvaluationFailure },
): void {
  if (job.tries + 1 < EVALUATION_TRIES) return rest(turn, service, job);
  const end: End = {
    step: 'failed',
    outcome: 'noChange',
    reason: 'gateError',
    ...(failure === undefined ? {} : { failure }),
    ...(reference === undefined ? {} : { reference }),
  };
  turn.cancelJob(service);
  turn.record({ kind: 'ended', service, end });
}
