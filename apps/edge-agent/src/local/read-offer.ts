import { offersOf, type Attempt, type Held, type NodeState, type Offer } from '@openward/activation';
import { Refusal, type Assignment, type PolicyRef, type Release } from '@openward/contracts';
import type { PolicyRefusal } from '@openward/persistence/node';
import { describePolicy, diffPolicies, type PolicyDiff, type SiteTerms } from '@openward/policy';
import type { RefusedRelease } from '../node/policy-check.ts';

/** What a person reads before they consent: the release's facts, its policy in plain text, and what that changes here. */
export interface OfferRead {
  readonly offer: Offer;
  readonly release: Omit<Release, 'policy' | 'v'> & { readonly policy: PolicyRef };
  /** Lines of plain text. Every pattern and phrase stands there as it is written; the site's own values where it has set them. */
  readonly policy: string;
  /** Why this node would end the attempt once the release is fetched; null: it would run the policy, with the terms of now. */
  readonly refused: RefusedRelease | null;
  /** The release that serves now, and what its policy becomes; null where nothing serves. */
  readonly serving: { readonly number: number; readonly diff: PolicyDiff } | null;
  /** Whether the release document was fetched for this: nothing else of the release was. */
  readonly fetched: boolean;
}

export interface OfferReading {
  /** Of releases that were offered last. */
  readonly refusals: () => readonly PolicyRefusal[];
  /** What the site has set of its own. */
  readonly terms: () => SiteTerms;
  /** The check that the release meets again before it is loaded. */
  readonly refusedNow: (release: Release) => Promise<RefusedRelease | null>;
  readonly state: () => NodeState;
  readonly releaseOf: (held: Pick<Held, 'release' | 'document'>) => Promise<Release>;
  /** Whether the document of a release is on this disk. */
  readonly isHere: (assignment: Assignment) => Promise<boolean>;
  /** Brings that document, and nothing else. */
  readonly fetchDocument: (assignment: Assignment) => Promise<void>;
}

/**
 * Before the first answer nothing of a release is here (N2), so that reading it fetches the one document that says what it is: a few
 * kilobytes, because a person of this site asked. Without that, nothing is fetched.
 */
export async function readOffer(reading: OfferReading, service: string): Promise<OfferRead> {
  const state = reading.state();
  const offer = offersOf(state).find((one) => one.service === service);
  const record = state.durable.services[service];
  const attempt: Attempt | null = record?.attempt ?? null;
  if (offer === undefined || attempt === null) throw nothingWaits(service, reading.refusals());
  const { assignment } = attempt;
  const fetched = !(await reading.isHere(assignment));
  if (fetched) await reading.fetchDocument(assignment);
  const { digest, document } = assignment.release;
  const read = await reading.releaseOf({ release: digest, document });
  const { policy, v: _, ...release } = read;
  const active = record?.active ?? null;
  return {
    offer,
    release: { ...release, policy: { id: policy.id, revision: policy.revision } },
    policy: describePolicy(policy, reading.terms()),
    refused: await reading.refusedNow(read),
    serving:
      active === null
        ? null
        : { number: active.number, diff: diffPolicies((await reading.releaseOf(active)).policy, policy) },
    fetched,
  };
}

/** Where the newest was refused for its policy, that is what a person who asks wants to read. */
function nothingWaits(service: string, refusals: readonly PolicyRefusal[]): Refusal {
  const refused = refusals.find((one) => one.service === service);
  if (refused === undefined) return new Refusal('notWaiting', `No release of ${service} waits here.`);
  const { number, findings } = refused;
  const said = findings.map(({ where, message }) => `${where}: ${message}`).join(' ');
  return new Refusal(
    'notWaiting',
    `No release of ${service} waits here. The policy of release ${number} is refused: ${said}`,
    { details: findings },
  );
}
