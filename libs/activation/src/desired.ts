import { compareGenerations, type Assignment, type DesiredState, type Name, PROTOCOL } from '@openward/contracts';
import { endUnchanged, leaveRecalled, stepBack } from './back.ts';
import { restNoLonger } from './permit.ts';
import type { Turn } from './turn.ts';

// The network's side, taken up level by level: only the newest document counts, and each pass compares what it says with
// what is. Nothing here remembers which documents came before.

/** D6: a higher generation is taken, an equal one reconciled again, a lower one never. V1: nor one meant for newer agents. */
export function takeDesired(turn: Turn, doc: DesiredState): void {
  const known = turn.durable.generation;
  const order = known === null ? 1 : compareGenerations(doc.generation, known);
  if (order <= 0 || doc.minProtocol > PROTOCOL) return;
  turn.record({ kind: 'desired', doc });
  for (const { service, assignment } of doc.services) {
    if (assignment !== null && turn.attempt(service)?.assignment.id === assignment.id) restNoLonger(turn, service);
  }
}

export function takeUpAssignment(turn: Turn, service: Name): void {
  leaveRecalled(turn, service);
  const wanted = turn.durable.desired?.services.find((it) => it.service === service)?.assignment ?? null;
  const attempt = turn.attempt(service);
  if (attempt !== null) {
    if (wanted?.id === attempt.assignment.id) obeyPhase(turn, service, wanted);
    else leaveAttempt(turn, service, wanted);
  }
  if (wanted !== null && mayBegin(turn, service, wanted)) {
    completeUnheard(turn, service, wanted);
    turn.record({ kind: 'begun', service, assignment: wanted });
    turn.change(service, { waits: null });
  }
}

/** What has switched nothing can be dropped without a trace; what has is not undone by dropping it. */
const isUnchanged = (turn: Turn, service: Name): boolean => {
  const at = turn.attempt(service)?.progress.at;
  return at === 'offered' || at === 'staged' || at === 'evaluated';
};

function obeyPhase(turn: Turn, service: Name, { phase, release }: Assignment): void {
  if (isUnchanged(turn, service)) {
    if (turn.isRecalled(release.digest)) endUnchanged(turn, service, 'superseded', 'recalled');
    else if (phase === 'withdraw' || phase === 'rollBack') endUnchanged(turn, service, 'superseded', 'withdrawn');
    return;
  }
  const { attempt, pinned } = turn.service(service);
  const at = attempt?.progress.at;
  if (phase === 'rollBack' && !pinned && (at === 'activated' || at === 'committed')) {
    stepBack(turn, service, 'rolledBackByNetwork');
  }
}

/** R5: what began on this node ends first. Only a switch that has answered its probe gives way to a newer assignment. */
function leaveAttempt(turn: Turn, service: Name, wanted: Assignment | null): void {
  const progress = turn.attempt(service)?.progress;
  if (isUnchanged(turn, service)) {
    endUnchanged(turn, service, 'superseded', wanted === null ? 'withdrawn' : 'supersededByNewer');
  } else if (progress?.at === 'activated' && progress.watch.probed && wanted !== null) {
    turn.change(service, { soakSince: null, judgeAt: null });
    turn.record({ kind: 'ended', service, end: { step: 'superseded', reason: 'supersededByNewer' } });
  }
}

/**
 * R6: only the newest document counts, so that a rollout may be over without this node having heard it. Where the next one would go
 * back to what was committed here, it is.
 */
function completeUnheard(turn: Turn, service: Name, { rollbackTarget }: Assignment): void {
  const progress = turn.attempt(service)?.progress;
  if (progress?.at !== 'committed' || progress.completed) return;
  if (progress.candidate.release === rollbackTarget) turn.record({ kind: 'completed', service });
}

/** N3: an attempt that was left or has ended is not begun again. */
function mayBegin(turn: Turn, service: Name, wanted: Assignment): boolean {
  const { attempt, past } = turn.service(service);
  if (past.includes(wanted.id) || attempt?.assignment.id === wanted.id) return false;
  return attempt === null || attempt.progress.at === 'ended' || attempt.progress.at === 'committed';
}
