import type { Name, PermitRefusal, PermitReply, WaitCode } from '@openward/contracts';
import { isWithin } from './consent.ts';
import type { Held, Job, Refused } from './model.ts';
import { isAnotherInTransition } from './transition.ts';
import { attemptAt, backOff, IDLE, type Turn } from './turn.ts';

/** R4: no permit lives longer, whatever it says. */
export const LONGEST_LIFE_MS = 60_000;
/** A question or its answer may be lost; asking again replaces the node's permit (R4). */
export const ASK_AGAIN_MS = 5_000;

/** Asks where nothing else is in the way. Every step but the answer's own is free to run this again. */
export function askForPermit(turn: Turn, service: Name): void {
  const attempt = attemptAt(turn, service, 'evaluated');
  if (attempt === null) return;
  const { assignment, progress } = attempt;
  const { job, loaded } = turn.work(service);
  const hindered = hindranceToActivate(turn, service);
  if (hindered !== null) {
    turn.cancelJob(service);
    return turn.change(service, { waits: hindered });
  }
  if (!loaded.includes(progress.candidate.key)) {
    turn.cancelJob(service);
    return turn.change(service, { waits: null });
  }
  if (job.doing === 'resting' && turn.now.monotonic < job.until) return turn.change(service, { waits: job.waits });
  if (job.doing === 'asking') {
    if (ageOf(job, turn) < ASK_AGAIN_MS) return turn.change(service, { waits: 'permit' });
    turn.cancelJob(service);
  }
  const task = turn.task();
  const { monotonic, wall, nonce } = turn.now;
  const tries = 'tries' in job ? job.tries : 0;
  const refused = 'refused' in job ? job.refused : null;
  turn.change(service, { job: { doing: 'asking', task, tries, refused, nonce, monotonic, wall }, waits: 'permit' });
  turn.emit({
    kind: 'askPermit',
    service,
    task,
    nonce,
    assignment: assignment.id,
    planHash: assignment.planHash,
    release: assignment.release.digest,
  });
}

function hindranceToActivate(turn: Turn, service: Name): WaitCode | null {
  const { attempt, pinned, halted } = turn.service(service);
  if (pinned) return 'pinned';
  if (halted) return 'halted';
  if (attempt?.assignment.phase === 'prepare') return 'wave';
  if (attempt && !isWithin(attempt.assignment.windows, turn.now.minuteOfWeek)) return 'window';
  return isAnotherInTransition(turn, service) ? 'otherTransition' : null;
}

/**
 * The only place that makes the switch. What stood in the way when the question was asked is looked at again, since a pin, a
 * halt or a window may have come meanwhile; then the permit's age, by the clock of this very step.
 */
export function takePermit(turn: Turn, service: Name, task: number, reply: PermitReply): void {
  const attempt = attemptAt(turn, service, 'evaluated');
  const { job } = turn.work(service);
  if (attempt === null || job.doing !== 'asking' || job.task !== task) return;
  turn.change(service, { job: IDLE });
  if (reply.nonce !== job.nonce) return;
  const { answer } = reply;
  if (!answer.granted) {
    const { why, retryAfterMs } = answer;
    const refused = { why, times: job.refused?.why === why ? job.refused.times + 1 : 1 };
    const until = turn.now.monotonic + Math.max(Math.min(retryAfterMs, 60_000), restAfter(refused, turn.now.nonce));
    const waits = WAIT_OF_REFUSAL[why];
    return turn.change(service, { job: { doing: 'resting', tries: 0, refused, until, waits }, waits });
  }
  const { assignment, progress } = attempt;
  const isForThis =
    answer.assignment === assignment.id &&
    answer.planHash === assignment.planHash &&
    answer.release === assignment.release.digest;
  if (!isForThis || ageOf(job, turn) >= Math.min(answer.lifetimeMs, LONGEST_LIFE_MS)) return;
  if (hindranceToActivate(turn, service) !== null || turn.isRecalled(progress.candidate.release)) return;
  if (!turn.work(service).loaded.includes(progress.candidate.key)) return;
  const { active, lastGood, anchor } = turn.service(service);
  const target = [active, lastGood, anchor].find((held): held is Held => isTarget(held, assignment.rollbackTarget));
  turn.change(service, { graceProbes: 0, exits: [], soakSince: null, judgeAt: null, waits: null });
  // Also where the release is the one that is served already, its probe is this attempt's own.
  turn.cancelProbe(service);
  turn.record({ kind: 'activated', service, before: active, target: target ?? null });
}

/** No answer came. */
export function permitFailed(turn: Turn, service: Name, task: number): void {
  const { job } = turn.work(service);
  if (job.doing !== 'asking' || job.task !== task) return;
  const tries = job.tries + 1;
  const until = turn.now.monotonic + Math.min(backOff(tries), 10_000);
  turn.change(service, { job: { doing: 'resting', tries, refused: job.refused, until, waits: 'network' } });
}

/**
 * The network has told the node something since it refused: what stood in the way may be gone, so it is asked at once. How
 * often it has refused for the same reason is remembered, so that the next rest is no shorter.
 */
export function restNoLonger(turn: Turn, service: Name): void {
  const { job } = turn.work(service);
  if (job.doing !== 'resting' || attemptAt(turn, service, 'evaluated') === null) return;
  turn.change(service, { job: { ...job, until: Math.min(job.until, turn.now.monotonic) } });
}

const FIRST_REST_MS = 500;
const LONGEST_REST_MS = 10_000;

/** Twice as long with each answer that says the same, and half of it by chance: nodes that were told at once ask apart. */
function restAfter({ times }: Refused, nonce: string): number {
  const longest = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(times - 1, 10));
  return Math.round((longest * (1 + chanceFrom(nonce))) / 2);
}

/** In [0, 1): a step has no other chance than its nonce, of which nothing can be read back from this (FNV-1a). */
function chanceFrom(nonce: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < nonce.length; i++) hash = Math.imul(hash ^ nonce.charCodeAt(i), 0x01000193);
  return (hash >>> 0) / 2 ** 32;
}

/** From when it was asked, by the larger of monotonic and wall time passed: one may stand still in sleep, one may be set. */
const ageOf = (job: Extract<Job, { doing: 'asking' }>, { now }: Turn): number =>
  Math.max(now.monotonic - job.monotonic, now.wall - job.wall);

const isTarget = (held: Held | null, target: string | null): held is Held => held !== null && held.release === target;

/** Whether the network's admin has to do something before the answer can change, or time alone does it. */
const WAIT_OF_REFUSAL: Readonly<Record<PermitRefusal, WaitCode>> = {
  unknownAssignment: 'permitRefused',
  planChanged: 'permitRefused',
  notProceeding: 'wave',
  paused: 'permitRefused',
  concurrencyReached: 'permit',
  toleratedExceeded: 'permitRefused',
  evidenceMissing: 'permit',
  gateNotPassed: 'permitRefused',
  recalled: 'permitRefused',
  rolloutEnded: 'permitRefused',
  readOnly: 'permitRefused',
  deadlinePassed: 'permitRefused',
  policyNotYet: 'permit',
  policyExpired: 'permitRefused',
};
