import type { Name, WaitCode } from '@openward/contracts';
import { endUnchanged } from './back.ts';
import { isDeferred, leaveToActivate, leaveToPrepare } from './consent.ts';
import type { Attempt, Job } from './model.ts';
import { askForPermit } from './permit.ts';
import { isAnotherInTransition } from './transition.ts';
import { attemptAt, heldOf, type Turn } from './turn.ts';

// What comes before the switch: each function looks at where the attempt stands, and starts the one thing that may be
// started now, or says what it waits for. Started things answer later; nothing is started twice.

export function pursue(turn: Turn, service: Name): void {
  const attempt = turn.attempt(service);
  switch (attempt?.progress.at) {
    case 'offered':
      return prepare(turn, service, attempt);
    case 'staged':
      return evaluate(turn, service);
    case 'evaluated':
      return seekLeave(turn, service);
    case undefined:
    case 'activated':
    case 'committed':
    case 'goingBack':
    case 'ended':
      return;
  }
}

function prepare(turn: Turn, service: Name, attempt: Attempt): void {
  const { assignment } = attempt;
  if (assignment.variant.memoryMode === 'swap') return endUnchanged(turn, service, 'failed', 'needsSwap');
  if (isTargetMissing(turn, service)) return endUnchanged(turn, service, 'failed', 'targetMissing');
  const hindered = hindranceToPrepare(turn, attempt);
  const { job } = turn.work(service);
  if (hindered !== null) {
    if (job.doing === 'fetching') turn.cancelJob(service);
    if (job.doing !== 'verifying') turn.change(service, { waits: hindered });
    return;
  }
  if (job.doing === 'fetching') return turn.change(service, { waits: job.waits });
  if (job.doing === 'verifying') return turn.change(service, { waits: null });
  if (isResting(turn, service, job)) return;
  const task = turn.task();
  turn.change(service, { job: { doing: 'fetching', task, tries: triesOf(job), waits: null }, waits: null });
  turn.emit({ kind: 'fetch', service, task, assignment });
}

/** Without what it would go back to, a node must not set out. */
function isTargetMissing(turn: Turn, service: Name): boolean {
  const record = turn.service(service);
  const target = record.attempt?.assignment.rollbackTarget ?? null;
  return target !== null && !heldOf(record).some((held) => held.release === target);
}

function hindranceToPrepare(turn: Turn, attempt: Attempt): WaitCode | null {
  if (isDeferred(attempt, turn.now)) return 'deferred';
  const { active } = turn.service(attempt.assignment.service);
  const leave = leaveToPrepare(turn.durable.rules, attempt, active, turn.now);
  return leave === 'open' ? null : leave === 'closed' ? 'window' : 'consentToPrepare';
}

function evaluate(turn: Turn, service: Name): void {
  const attempt = attemptAt(turn, service, 'staged');
  if (attempt === null) return;
  const { assignment, progress } = attempt;
  const { job, loaded } = turn.work(service);
  if (job.doing === 'evaluating') return turn.change(service, { waits: null });
  const hindered = hindranceToEvaluate(turn, service, attempt);
  if (hindered !== null) return turn.change(service, { waits: hindered });
  if (isResting(turn, service, job)) return;
  turn.change(service, { waits: null });
  if (!loaded.includes(progress.candidate.key) || progress.candidate.chain === null) return;
  const task = turn.task();
  const { active, anchor } = turn.service(service);
  turn.change(service, { job: { doing: 'evaluating', task, tries: triesOf(job), quarters: 0 } });
  const usable = (held: typeof active): typeof active => (held && turn.isRecalled(held.release) ? null : held);
  turn.emit({
    kind: 'evaluate',
    service,
    task,
    assignment,
    candidate: progress.candidate,
    live: usable(active),
    anchor: usable(anchor),
  });
}

function hindranceToEvaluate(turn: Turn, service: Name, attempt: Attempt): WaitCode | null {
  const { assignment } = attempt;
  if (assignment.phase === 'prepare') return 'wave';
  if (assignment.suite.readsSiteData && turn.durable.suites[assignment.suite.digest] === undefined) {
    return 'suiteNotAccepted';
  }
  const hindered = hindranceToPrepare(turn, attempt);
  if (hindered !== null) return hindered;
  return isAnotherInTransition(turn, service) ? 'otherTransition' : null;
}

/**
 * N2: the site sees the result first. A fail leaves at once, unless it was to be held; any other result leaves with the
 * second answer, or under a standing rule. R8: an inconclusive one goes on only with a person's reason.
 */
function seekLeave(turn: Turn, service: Name): void {
  if (dropOutdated(turn, service)) return;
  const attempt = attemptAt(turn, service, 'evaluated');
  if (attempt === null) return;
  const { consent, progress } = attempt;
  const { verdict } = progress.result;
  const wait = (code: WaitCode): void => {
    turn.cancelJob(service);
    turn.change(service, { waits: code });
  };
  const isHeld = consent.prepare?.holdResult === true && !consent.activate;
  if (verdict === 'fail' && !isHeld) {
    disclose(turn, service, attempt);
    return endUnchanged(turn, service, 'failed', 'gateFailed');
  }
  if (isDeferred(attempt, turn.now)) return wait('deferred');
  if (isHeld) return wait('resultHeld');
  const leave = leaveToActivate(turn.durable.rules, attempt, turn.service(service).active, turn.now);
  if (leave !== 'open') return wait(leave === 'closed' ? 'window' : 'consentToActivate');
  disclose(turn, service, attempt);
  if (verdict !== 'pass' && consent.waiver === null) return wait('gateInconclusive');
  if (isTargetMissing(turn, service)) return endUnchanged(turn, service, 'failed', 'targetMissing');
  askForPermit(turn, service);
}

/**
 * A result under other terms than the site's of now, before anything of it has left: it is measured again, and a person asked again.
 * What has left stands, since one assignment has one evidence (R2).
 */
export function dropOutdated(turn: Turn, service: Name): boolean {
  const progress = turn.attempt(service)?.progress;
  if (progress?.at !== 'evaluated' || progress.disclosed) return false;
  const { terms } = progress.result;
  if (terms === undefined || terms === turn.now.terms) return false;
  turn.cancelJob(service);
  turn.record({ kind: 'outdated', service });
  return true;
}

/** The ledger's row before the journal's word that it is there; the same evidence again is the same row (P1). */
function disclose(turn: Turn, service: Name, attempt: Attempt): void {
  const { assignment, progress } = attempt;
  if (progress.at !== 'evaluated' || progress.disclosed) return;
  const { result } = progress;
  turn.emit({ kind: 'discloseEvidence', assignment, candidate: progress.candidate, result });
  turn.record({ kind: 'disclosed', service });
}

const triesOf = (job: Job): number => (job.doing === 'resting' ? job.tries : 0);

function isResting(turn: Turn, service: Name, job: Job): boolean {
  if (job.doing !== 'resting' || turn.now.monotonic >= job.until) return false;
  turn.change(service, { waits: job.waits });
  return true;
}
