import type { Digest, Name } from '@openward/contracts';
import type { Durable, NodeState, ServiceRecord } from './model.ts';
import { siteWayBack, type SiteWay } from './way-back.ts';

// On which release a service stands, beside the one that it could stand on: for the people of its site, of whom one went back, or
// pinned it, perhaps long ago.

export interface Standing {
  readonly service: Name;
  /** Of what serves, or would if it were not halted; null: nothing does. */
  readonly number: number | null;
  readonly pinned: boolean;
  /** Whether a release has ever been committed here: before that it is no wonder that nothing serves. */
  readonly hasServed: boolean;
  /** It stands on the first release that was ever committed here, though another has been last good since. */
  readonly isOnAnchor: boolean;
  /** A newer release that the network wants here, or that was last good; null: there is none. */
  readonly behind: Behind | null;
  /** Where nothing serves: the newest release of it that was recalled. */
  readonly recalled: number | null;
  /** What a person's step back goes to now; null: nothing earlier is here. */
  readonly wayBack: SiteWay | null;
}

export interface Behind {
  readonly number: number;
  /** A person here went back from it, or holds it off with a pin. */
  readonly isBySite: boolean;
  /** Its attempt is over here, so that only the network can offer it again (N3). */
  readonly isOver: boolean;
}

export const standingsOf = ({ durable }: Pick<NodeState, 'durable'>): readonly Standing[] =>
  Object.keys(durable.services)
    .sort()
    .map((service) => standingOf(service, durable.services[service]!, durable));

function standingOf(service: Name, record: ServiceRecord, { desired, recalled }: Durable): Standing {
  const { active, lastGood, anchor, attempt, pinned } = record;
  const isRecalled = (release: Digest): boolean => recalled.includes(release);
  const assigned = desired?.services.find((one) => one.service === service)?.assignment ?? null;
  const gone = [lastGood, attempt && { ...attempt.assignment.release, release: attempt.assignment.release.digest }]
    .filter((held) => held !== null && isRecalled(held.release))
    .map((held) => held!.number);
  return {
    service,
    number: active?.number ?? null,
    pinned,
    hasServed: anchor !== null || lastGood !== null,
    isOnAnchor: active !== null && active.release === anchor?.release && active.release !== lastGood?.release,
    behind: active === null ? null : behindOf(record, active.number, assigned, isRecalled),
    recalled: active !== null || gone.length === 0 ? null : Math.max(...gone),
    wayBack: siteWayBack(record, isRecalled),
  };
}

type Assigned = NonNullable<Durable['desired']>['services'][number]['assignment'];

function behindOf(
  { lastGood, attempt, pinned, past }: ServiceRecord,
  stands: number,
  assigned: Assigned,
  isRecalled: (release: Digest) => boolean,
): Behind | null {
  const isNewer = (release: Digest, number: number): boolean => number > stands && !isRecalled(release);
  const isWanted = assigned !== null && assigned.phase !== 'withdraw' && assigned.phase !== 'rollBack';
  const end = attempt?.progress.at === 'ended' ? attempt.progress.end : null;
  const isBySite = pinned || end?.reason === 'rolledBackBySite';
  const wanted = isWanted && isNewer(assigned.release.digest, assigned.release.number) ? assigned : null;
  const good = lastGood !== null && isNewer(lastGood.release, lastGood.number) ? lastGood : null;
  if (wanted !== null && wanted.release.number >= (good?.number ?? 0))
    return { number: wanted.release.number, isBySite, isOver: past.includes(wanted.id) };
  return good === null ? null : { number: good.number, isBySite, isOver: true };
}
