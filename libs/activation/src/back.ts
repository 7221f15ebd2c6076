import type { Name, ReasonCode } from '@openward/contracts';
import { isSame, type End, type Held } from './model.ts';
import type { Turn } from './turn.ts';
import { outcomeOf, usable, wayBack, type Way } from './way-back.ts';

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
  const back = wayOut(turn, service);
  if (back === null) return;
  go(turn, service, back.to, {
    step: 'failed',
    outcome: outcomeOf(back),
    reason,
    ...(reference === undefined ? {} : { reference }),
  });
}

/** Told to by the network or by the site. Where there is nothing to go back to, what is served stays (and that is told). */
export function stepBack(turn: Turn, service: Name, reason: 'rolledBackByNetwork' | 'rolledBackBySite'): void {
  const back = wayOut(turn, service, reason === 'rolledBackBySite');
  if (back === null) return;
  if (back.to === null && back.hadSomething) {
    const end: End = { step: 'failed', outcome: 'unableToRollBack', reason: 'targetMissing' };
    turn.record({ kind: 'ended', service, end });
    return;
  }
  go(turn, service, back.to, { step: 'rolledBack', outcome: outcomeOf(back), reason });
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
      const back = wayOut(turn, service);
      const end = {
        step: 'rolledBack',
        outcome: back === null ? 'rolledBack' : outcomeOf(back),
        reason: 'recalled',
      } as const;
      go(turn, service, back?.to ?? null, end);
      return;
    }
  }
  const to = usable((release) => turn.isRecalled(release), [record.lastGood], record.active)[0] ?? null;
  turn.record({ kind: 'moved', service, to, why: 'recalled' });
}

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

const wayOut = (turn: Turn, service: Name, byPerson = false): Way | null =>
  wayBack(turn.service(service), (release) => turn.isRecalled(release), byPerson);
