import type { Name } from '@openward/contracts';
import { endUnchanged, stepBack } from './back.ts';
import type { Command, CommandAnswer, CommandRefusal } from './events.ts';
import type { Attempt, Consent } from './model.ts';
import { isForAnother, isOpen, questionOf, refusalOf } from './question.ts';
import type { Turn } from './turn.ts';
import { pauseSoak } from './watch.ts';
import { siteWayOf } from './way-back.ts';

// What people at the site say. It needs no network, it is done when it is answered, and a refusal changes nothing.

const DONE: CommandAnswer = { done: true };
const refused = (why: CommandRefusal): CommandAnswer => ({ done: false, why });

export function obey(turn: Turn, command: Command): CommandAnswer {
  switch (command.kind) {
    case 'acceptSuite':
      turn.record({ kind: 'suiteAccepted', suite: command.suite, tooFewItems: command.tooFewItems });
      return DONE;
    case 'setRules':
      turn.record({ kind: 'rules', rules: command.rules });
      return DONE;
    case 'accept':
    case 'acceptInconclusive':
    case 'defer':
    case 'reject':
    case 'halt':
    case 'resume':
    case 'rollback':
    case 'pin':
    case 'unpin':
      if (turn.durable.services[command.service] === undefined) return refused('unknownService');
      return obeyForService(turn, command);
  }
}

type ServiceCommand = Extract<Command, { readonly service: Name }>;

function obeyForService(turn: Turn, command: ServiceCommand): CommandAnswer {
  const { service } = command;
  switch (command.kind) {
    case 'accept':
      return accept(turn, command);
    case 'acceptInconclusive':
      return acceptInconclusive(turn, command);
    case 'defer':
      return defer(turn, command);
    case 'reject':
      return reject(turn, command);
    case 'halt':
      return halt(turn, service);
    case 'resume':
      if (turn.service(service).halted) turn.record({ kind: 'halted', service, halted: false });
      return DONE;
    case 'rollback':
      return rollBack(turn, command);
    case 'pin':
      if (turn.service(service).active === null) return refused('nothingToPin');
      return pin(turn, service);
    case 'unpin':
      if (turn.service(service).pinned) turn.record({ kind: 'pinned', service, pinned: false });
      return DONE;
  }
}

/** The attempt that a person can still decide on: nothing has been switched for it. */
function openAttempt(turn: Turn, service: Name): Attempt | null {
  const attempt = turn.attempt(service);
  return attempt !== null && isOpen(attempt) ? attempt : null;
}

function answerWith(turn: Turn, { assignment, consent }: Attempt, answer: Partial<Consent>): CommandAnswer {
  turn.record({ kind: 'answered', service: assignment.service, consent: { ...consent, ...answer } });
  return DONE;
}

type To<K extends Command['kind']> = Extract<Command, { readonly kind: K }>;

/** The first answer before there is a result, the second one after it (N2). A result that is held stays held until the second. */
function accept(turn: Turn, command: To<'accept'>): CommandAnswer {
  const { service, holdResult = false } = command;
  const attempt = openAttempt(turn, service);
  if (attempt === null) return refused('nothingWaits');
  const why = refusalOf(attempt, turn.work(service), command);
  if (why !== null) return refused(why);
  if (attempt.progress.at === 'evaluated') return answerWith(turn, attempt, { activate: true, deferUntil: null });
  const isHeld = holdResult || attempt.consent.prepare?.holdResult === true;
  return answerWith(turn, attempt, { prepare: { holdResult: isHeld }, deferUntil: null });
}

/** R8: an inconclusive gate, never a failed one, and only with a reason. */
function acceptInconclusive(turn: Turn, command: To<'acceptInconclusive'>): CommandAnswer {
  const { service, reason } = command;
  const attempt = openAttempt(turn, service);
  const progress = attempt?.progress;
  if (attempt === null) return refused('nothingWaits');
  if (isForAnother(attempt, command)) return refused('otherAssignment');
  if (progress?.at !== 'evaluated') return refused('nothingWaits');
  if (progress.result.verdict !== 'inconclusive') return refused('notInconclusive');
  if (reason.trim() === '') return refused('waiverReasonMissing');
  if (questionOf(attempt, turn.work(service)) !== 'waive') return refused('nothingWaits');
  return answerWith(turn, attempt, { activate: true, waiver: reason, deferUntil: null });
}

function defer(turn: Turn, command: To<'defer'>): CommandAnswer {
  const attempt = openAttempt(turn, command.service);
  if (attempt === null) return refused('nothingWaits');
  if (isForAnother(attempt, command)) return refused('otherAssignment');
  return answerWith(turn, attempt, { deferUntil: command.until });
}

function reject(turn: Turn, command: To<'reject'>): CommandAnswer {
  const { service, reason } = command;
  const attempt = openAttempt(turn, service);
  const at = turn.attempt(service)?.progress.at;
  if (attempt === null) return refused(at === 'activated' || at === 'committed' ? 'alreadyActive' : 'nothingWaits');
  if (isForAnother(attempt, command)) return refused('otherAssignment');
  if (reason.trim() === '') return refused('reasonMissing');
  endUnchanged(turn, service, 'rejected', 'rejectedBySite');
  return DONE;
}

/** N5: the gateway stops before anything is written, since a brake must not wait for a disk; it is answered when both are done. */
function halt(turn: Turn, service: Name): CommandAnswer {
  if (turn.service(service).halted) return DONE;
  const { soakSince } = turn.work(service);
  turn.cancelProbe(service);
  turn.emit({ kind: 'stop', service, why: 'halted', held: turn.service(service).active });
  turn.change(service, { served: null, switching: null, soakSince });
  pauseSoak(turn, service);
  turn.record({ kind: 'halted', service, halted: true });
  return DONE;
}

/**
 * A site's own rollback is also a pin; the pin is written first, so that no crash leaves the one without the other's hold. Nobody gets
 * to the anchor without having named it, nor to another release than the one that was named.
 */
function rollBack(turn: Turn, { service, to: named }: To<'rollback'>): CommandAnswer {
  const { attempt, pinned } = turn.service(service);
  const at = attempt?.progress.at;
  if (at === 'goingBack') return pin(turn, service);
  const way = siteWayOf(turn.durable, service);
  if (way === null) return refused('nothingToGoBackTo');
  if (named !== undefined && named !== way.to.number) return refused('otherWayBack');
  if (named === undefined && way.isAnchor) return refused('anchorNotNamed');
  if (!pinned) turn.record({ kind: 'pinned', service, pinned: true });
  if (at === 'activated' || at === 'committed') stepBack(turn, service, 'rolledBackBySite');
  else turn.record({ kind: 'moved', service, to: way.to, why: 'rolledBackBySite' });
  return DONE;
}

function pin(turn: Turn, service: Name): CommandAnswer {
  if (!turn.service(service).pinned) turn.record({ kind: 'pinned', service, pinned: true });
  return DONE;
}
