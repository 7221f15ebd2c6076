import { offersOf, type Attempt, type Held, type NodeState, type Offer } from '@openward/activation';
import { Refusal, type Assignment, type PolicyRef, type PromptPolicy, type Release } from '@openward/contracts';
import type { PolicyRefusal } from '@openward/persistence/node';
import {
  type ClinicalChanges,
  describePolicy,
  diffPolicies,
  diffReleases,
  type FieldDiff,
  type PolicyDiff,
  type RunsHere,
  type SiteTerms,
} from '@openward/policy';
import type { RefusedRelease } from '../node/policy-check.ts';
import type { OfferHere } from './offers-here.ts';

/** What a person reads before they consent: the release's facts, its policy in plain text, and what that changes here. */
export interface OfferRead {
  readonly offer: OfferHere;
  readonly release: Omit<Release, 'policy' | 'v'> & { readonly policy: PolicyRef };
  /** Lines of plain text. Every pattern and phrase stands there as it is written; the site's own values where it has set them. */
  readonly policy: string;
  /** Why this node would end the attempt once the release is fetched; null: it would run the policy, with the terms of now. */
  readonly refused: RefusedRelease | null;
  /** Which clinical sentences the policy would change here, with the terms of now; null: none was tried, since it is not sound or no verdict is given. */
  readonly clinical: ClinicalChanges | null;
  /** The release that serves now, what its policy becomes, and everything else that differs; null where nothing serves. */
  readonly serving: {
    readonly number: number;
    readonly diff: PolicyDiff;
    readonly fields: readonly FieldDiff[];
  } | null;
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
  /** Bytes of an assignment's files that are not on this disk. */
  readonly missing: (assignment: Assignment) => Promise<number>;
  /** Tried apart from where clinics are answered; what there was no time for is said to be untried. */
  readonly clinical: (policy: PromptPolicy) => Promise<ClinicalChanges>;
  /** Brings that document, and nothing else. */
  readonly fetchDocument: (assignment: Assignment) => Promise<void>;
}

/**
 * Before the first answer nothing of a release is here (N2), so that reading it fetches the one document that says what it is: a few
 * kilobytes, because a person of this site asked. Without that, nothing is fetched.
 */
export async function readOffer(reading: OfferReading, service: string): Promise<OfferRead> {
  let fetched = false;
  for (let tries = 0; tries < MOST_READINGS; tries++) {
    const { attempt, active } = waiting(reading, service);
    const { assignment } = attempt;
    if (!(await reading.isHere(assignment))) {
      await reading.fetchDocument(assignment);
      fetched = true;
    }
    const { digest, document } = assignment.release;
    const read = await reading.releaseOf({ release: digest, document });
    const { policy, v: _, ...release } = read;
    const refused = await reading.refusedNow(read);
    const isSound = refused === null || SOUND_ELSEWHERE.has(refused.code);
    const before = active === null ? null : await reading.releaseOf(active);
    const clinical = isSound ? await reading.clinical(policy) : null;
    const missing = await reading.missing(assignment);
    // A fetch can take half a minute. What is shown is what waits at its end, since that is what an answer would be to.
    const now = waiting(reading, service);
    if (now.attempt.assignment.id !== assignment.id || now.active?.release !== active?.release) continue;
    return {
      offer: { ...now.offer, missingBytes: missing },
      release: { ...release, policy: { id: policy.id, revision: policy.revision } },
      policy: describePolicy(policy, reading.terms()),
      refused,
      clinical,
      serving:
        active === null || before === null
          ? null
          : {
              number: active.number,
              diff: diffPolicies(before.policy, policy),
              fields: diffReleases(
                { release: before, runs: runsOf(active.variant, active) },
                { release: read, runs: runsOf(assignment.variant.name, assignment.variant) },
              ),
            },
      fetched,
    };
  }
  throw new Refusal('busy', `What waits for ${service} changed while it was read.`);
}

const runsOf = (variant: string, { artifact, base }: Pick<Assignment['variant'], 'artifact' | 'base'>): RunsHere => ({
  variant,
  artifact: artifact.file,
  base: base?.file ?? null,
});

const MOST_READINGS = 3;
/** What is found of a policy that could be applied: no more than tests or the site's own count stands against it. */
const SOUND_ELSEWHERE: ReadonlySet<RefusedRelease['code']> = new Set(['policyTestFailed', 'policyWithheld']);

function waiting(
  reading: OfferReading,
  service: string,
): { readonly offer: Offer; readonly attempt: Attempt; readonly active: Held | null } {
  const state = reading.state();
  const offer = offersOf(state).find((one) => one.service === service);
  const record = state.durable.services[service];
  if (offer === undefined || !record?.attempt) throw nothingWaits(service, reading.refusals());
  return { offer, attempt: record.attempt, active: record.active };
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
