import type { Name, NodeOutcome, ReasonCode } from '@openward/contracts';
import { isSame, type End, type Held } from './model.ts';
import type { Turn } from './turn.ts';

// Going back needs no permit, no gate and no consent (R4), and no download: its target was kept. What became of it is told
// honestly (N1): nothing was changed, it went back, or it could not.

/** Ends an attempt that has not switched anything: what is served is as it was. */
export function endUnchanged(
  turn: Turn,
  service: Name,
  step: Exclude<End['step'], 'rolledBack'>,
  reason: ReasonCode,
  reference?: string,
): void {
  turn.cancelJob(service);
  const end: End = { step, outcome: 'noChange', reason, ...(reference === undefined ? {} : { reference }) };
  turn.record({ kind: 'ended', service, end });
}

/** By the node itself, before the commit (N4): the release has failed here, and is not served a moment longer. */
export function failBack(turn: Turn, service: Name, reason: ReasonCode, reference?: string): void {
  const way = wayBack(turn, service);
  if (way === null) return;
  go(turn, service, way.to, {
    step: 'failed',
    outcome: outcomeOf(way),
    reason,
    ...(reference === undefined ? {} : { reference }),
  });
}

/** Told to by the network or by the site. Where there is nothing to go back to, what is served stays (and that is told). */
export function stepBack(turn: Turn, service: Name, reason: 'rolledBackByNetwork' | 'rolledBackBySite'): void {
  const way = wayBack(turn, service, reason === 'rolledBackBySite');
  if (way === null) return;
  if (way.to === null && way.hadSomething) {
    const end: End = { step: 'failed', outcome: 'unableToRollBack', reason: 'targetMissing' };
    turn.record({ kind: 'ended', service, end });
    return;
  }
  go(turn, service, way.to, { step: 'rolledBack', outcome: outcomeOf(way), reason });
}

/**
 * A recalled release stops at once: before its entry, since stopping is safe whatever happens next. Then the service goes to
 * the last good release that is not recalled, or serves nothing. No pin holds this.
 */
export function leaveRecalled(turn: Turn, service: Name): void {
  const record = turn.service(service);
  if (record.active === null || !turn.isRecalled(record.active.release)) return;
  stopNow(turn, service, 'recalled');
  const progress = record.attempt?.progress;
  if (progress?.at === 'goingBack') {
    turn.record({ kind: 'ended', service, end: { ...progress.end, outcome: 'unableToRollBack' } });
  } else if (progress?.at === 'activated' || progress?.at === 'committed') {
    if (isSame(progress.candidate, record.active)) {
      const way = wayBack(turn, service);
      const end = {
        step: 'rolledBack',
        outcome: way === null ? 'rolledBack' : outcomeOf(way),
        reason: 'recalled',
      } as const;
      go(turn, service, way?.to ?? null, end);
      return;
    }
  }
  const to = usable(turn, [record.lastGood], record.active)[0] ?? null;
  turn.record({ kind: 'moved', service, to, why: 'recalled' });
}

/**
 * For a person's own step back, when no live rollout says what to go to. Back only: never to a later release, nor to the one
 * that the person has just left.
 */
export const steppingStone = (turn: Turn, service: Name): Held | null => {
  const { active, lastGood, anchor, attempt } = turn.service(service);
  const progress = attempt?.progress;
  const left = progress?.at === 'ended' && progress.end.reason === 'rolledBackBySite' ? attempt?.assignment : undefined;
  const earlier = usable(turn, [lastGood, anchor], active).filter(
    ({ number, release }) => active !== null && number < active.number && release !== left?.release.digest,
  );
  return earlier[0] ?? null;
};

export function stopNow(
  turn: Turn,
  service: Name,
  why: 'halted' | 'recalled' | 'goingBack' | 'loading' | 'noRelease',
): void {
  turn.cancelProbe(service);
  turn.emit({ kind: 'stop', service, why, held: turn.service(service).active });
  turn.change(service, { served: null, switching: null, soakSince: null, judgeAt: null });
}

function go(turn: Turn, service: Name, to: Held | null, end: End): void {
  turn.cancelProbe(service);
  turn.change(service, { soakSince: null, judgeAt: null });
  turn.record({ kind: 'goingBack', service, to, end });
}

interface Way {
  readonly to: Held | null;
  readonly hadSomething: boolean;
  /** The release was rolled out over itself: there is nothing else to go back to, and nothing to undo. */
  readonly isItself: boolean;
}

const outcomeOf = ({ to, hadSomething, isItself }: Way): NodeOutcome =>
  isItself ? 'noChange' : to === null && hadSomething ? 'unableToRollBack' : 'rolledBack';

function wayBack(turn: Turn, service: Name, byPerson = false): Way | null {
  const { attempt, lastGood, anchor } = turn.service(service);
  const progress = attempt?.progress;
  if (!attempt || (progress?.at !== 'activated' && progress?.at !== 'committed')) return null;
  const { candidate } = progress;
  const { rollbackTarget } = attempt.assignment;
  const before = progress.at === 'activated' ? progress.before : progress.target;
  const hadSomething = rollbackTarget !== null || before !== null;
  if (isSame(before, candidate) && !turn.isRecalled(candidate.release)) {
    return { to: before, hadSomething, isItself: true };
  }
  // When its rollout is over the target is no longer kept, unless it is the anchor. Only a person may choose the anchor
  // itself, which can be years old.
  const isOver = progress.at === 'committed' && progress.completed;
  const planned = isOver ? [lastGood, anchor].filter((held) => held?.release === rollbackTarget) : [progress.target];
  const choices = [...planned, isOver ? null : before, lastGood, byPerson ? anchor : null];
  return { to: usable(turn, choices, candidate)[0] ?? null, hadSomething, isItself: false };
}

const usable = (turn: Turn, choices: readonly (Held | null)[], but: Held | null): readonly Held[] =>
  choices.filter((held) => held !== null).filter((held) => !isSame(held, but) && !turn.isRecalled(held.release));
