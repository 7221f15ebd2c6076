import type { Digest, Name, NodeOutcome } from '@openward/contracts';
import { isSame, type Attempt, type Durable, type Held, type ServiceRecord } from './model.ts';

// Which release of this disk is gone back to. The network and the node itself choose only what a plan named, or the last good one;
// a person at the site may choose the anchor too, which can be years old, and so has to name it.

export interface Way {
  readonly to: Held | null;
  readonly hadSomething: boolean;
  /** The release was rolled out over itself: there is nothing else to go back to, and nothing to undo. */
  readonly isItself: boolean;
}

type IsRecalled = (release: Digest) => boolean;

export const outcomeOf = ({ to, hadSomething, isItself }: Way): NodeOutcome =>
  isItself ? 'noChange' : to === null && hadSomething ? 'unableToRollBack' : 'rolledBack';

/** Out of an attempt that has switched; null where none has. */
export function wayBack(record: ServiceRecord, isRecalled: IsRecalled, byPerson = false): Way | null {
  const { attempt, anchor } = record;
  const progress = switchedBy(attempt);
  if (attempt === null || progress === null) return null;
  const { candidate } = progress;
  const before = progress.at === 'activated' ? progress.before : progress.target;
  const hadSomething = attempt.assignment.rollbackTarget !== null || before !== null;
  if (isSame(before, candidate) && !isRecalled(candidate.release)) {
    return { to: before, hadSomething, isItself: true };
  }
  const choices = [...chosenByNobody(record), byPerson ? anchor : null];
  return { to: usable(isRecalled, choices, candidate)[0] ?? null, hadSomething, isItself: false };
}

export const usable = (isRecalled: IsRecalled, choices: readonly (Held | null)[], but: Held | null): readonly Held[] =>
  choices.filter((held) => held !== null).filter((held) => !isSame(held, but) && !isRecalled(held.release));

/** What a person's own step back goes to. `isAnchor`: nothing but that person chooses it, so that it has to be named. */
export interface SiteWay {
  readonly to: Held;
  readonly isAnchor: boolean;
}

/**
 * Back only: never to a later release, nor to the one that the person has just left, or that has failed here. Where nothing is served
 * any more because all that was planned is recalled, the anchor is what is left. Null: nothing earlier is here.
 */
export function siteWayBack(record: ServiceRecord, isRecalled: IsRecalled): SiteWay | null {
  const { active, lastGood, anchor, attempt } = record;
  const way = wayBack(record, isRecalled, true);
  if (way !== null) {
    if (way.to === null) return null;
    const planned = way.isItself || chosenByNobody(record).some((held) => isSame(held, way.to));
    return { to: way.to, isAnchor: !planned };
  }
  const left = leftBy(attempt, active);
  const ceiling = active?.number ?? Number.POSITIVE_INFINITY;
  const to = usable(isRecalled, [lastGood, anchor], active).find(
    ({ number, release }) => number < ceiling && release !== left,
  );
  return to === undefined ? null : { to, isAnchor: !isSame(to, lastGood) };
}

/** The same, of a service on a node. */
export const siteWayOf = ({ services, recalled }: Pick<Durable, 'services' | 'recalled'>, service: Name) => {
  const record = services[service];
  return record === undefined ? null : siteWayBack(record, (release) => recalled.includes(release));
};

/** Without a person: what the plan named and, while its rollout lives, what served before; then the last good release. */
function chosenByNobody({ attempt, lastGood, anchor }: ServiceRecord): readonly (Held | null)[] {
  const progress = switchedBy(attempt);
  if (attempt === null || progress === null) return [];
  // When its rollout is over the target is no longer kept, unless it is the anchor.
  if (progress.at === 'committed' && progress.completed) {
    const planned = [lastGood, anchor].filter((held) => held?.release === attempt.assignment.rollbackTarget);
    return [...planned, lastGood];
  }
  return [progress.target, progress.at === 'activated' ? progress.before : progress.target, lastGood];
}

function switchedBy(attempt: Attempt | null) {
  const progress = attempt?.progress;
  return progress?.at === 'activated' || progress?.at === 'committed' ? progress : null;
}

/** The release of the attempt that ended last, where it is not to be gone to by a step back. */
function leftBy(attempt: Attempt | null, active: Held | null): Digest | undefined {
  if (attempt?.progress.at !== 'ended') return undefined;
  const { step, reason } = attempt.progress.end;
  const isLeft = reason === 'rolledBackBySite' || (active === null && (step === 'failed' || step === 'rolledBack'));
  return isLeft ? attempt.assignment.release.digest : undefined;
}
