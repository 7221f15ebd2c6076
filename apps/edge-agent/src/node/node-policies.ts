import type { DatabaseSync } from 'node:sqlite';
import type { Held, NodeState } from '@openward/activation';
import {
  type Assignment,
  type Clock,
  digestOf,
  type Log,
  type PolicyRef,
  type PromptPolicy,
  type Release,
} from '@openward/contracts';
import {
  SqlitePolicyHits,
  SqlitePolicyRefusals,
  SqliteShadows,
  SqliteSitePolicy,
  SqliteTermVerdicts,
  type PolicyRefusal,
} from '@openward/persistence/node';
import {
  type ClinicalChanges,
  type CompiledPolicy,
  decideTermLeave,
  type SiteTerms,
  type TermLeave,
} from '@openward/policy';
import { createPolicyThread } from '@openward/policy-check';
import { compiledPolicy } from '../gateway/compiled.ts';
import { PolicyCounts, type PolicyTrouble } from '../gateway/policy-counts.ts';
import { monthsBefore, todayIn } from '../gateway/today.ts';
import type { PolicyFacts } from '../local/policy-findings.ts';
import { heldPolicies, type HeldHere } from './held-policies.ts';
import type { OfferedHere } from './offered-policies.ts';
import { assertRuns, refusedBy, refusedTerms, toldRefusal, type RefusedRelease } from './policy-check.ts';
import { Shadows } from './shadows.ts';
import { SiteTermsStore, type HeldPolicies } from './site-terms.ts';

/** A year beside the month that runs. */
const MONTHS_KEPT = 13;

interface Options {
  readonly database: DatabaseSync;
  readonly timeZone: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly state: () => NodeState;
  readonly releaseOf: (held: Held) => Promise<Release>;
  /** Makes ready anew what serves. Throws, and changes nothing, where the site's terms do not fit. */
  readonly recompile: () => void;
  /** Of releases that wait here. */
  readonly offered: (documents: 'here' | 'fetched') => Promise<HeldPolicies<OfferedHere>>;
  /** The policy that a service answers under, or would if it were not stopped. */
  readonly servingPolicy: (service: string) => PolicyRef | null;
}

export interface RefusedOffer extends RefusedRelease {
  readonly service: string;
  readonly number: number;
}

/** Everything of policies on one node that is the site's: its terms, its shadows, what was counted and what was refused. */
export class NodePolicies {
  readonly counts: PolicyCounts;
  readonly refusals: SqlitePolicyRefusals;
  readonly settings: SiteTermsStore;
  readonly shadows: Shadows;
  /** `YYYY-MM-DD`, in the site's time zone. */
  readonly today: () => string;
  readonly #hits: SqlitePolicyHits;
  readonly #verdicts: SqliteTermVerdicts;
  readonly #thread = createPolicyThread();
  /** The day before which nothing is left; looked at once a day. */
  #pruned = '';
  readonly #options: Options;

  constructor(options: Options) {
    const { database, timeZone, clock, state, releaseOf, recompile } = options;
    this.#options = options;
    this.today = todayIn(timeZone, () => clock.wall());
    this.counts = new PolicyCounts(this.today);
    this.#hits = new SqlitePolicyHits(database);
    this.#verdicts = new SqliteTermVerdicts(database);
    this.refusals = new SqlitePolicyRefusals(database);
    this.settings = new SiteTermsStore({
      store: new SqliteSitePolicy(database),
      held: () => this.held(),
      offered: () => options.offered('fetched'),
      check: (policy, terms) => refusedBy(this.#thread.judge, policy, terms),
      checkTerms: refusedTerms,
      apply: () => {
        recompile();
        this.shadows.recompile();
      },
    });
    this.shadows = new Shadows({
      store: new SqliteShadows(database),
      attemptOf: (service) => {
        const { isBooted, durable } = state();
        return isBooted ? (durable.services[service]?.attempt ?? null) : 'starting';
      },
      policyOf: async (held) => (await releaseOf(held)).policy,
      compile: (policy) => this.compile(policy),
      wall: () => clock.wall(),
      log: options.log,
    });
  }

  compile(policy: PromptPolicy): CompiledPolicy {
    return compiledPolicy(policy, this.settings.terms());
  }

  /** Throws where the policy of an assignment's release would not run here with the terms of now. What was found is kept. */
  assertRuns({ service, release: { digest, number } }: Assignment, release: Release): Promise<void> {
    return assertRuns(
      this.#thread.judge,
      release,
      this.settings.terms(),
      ({ findings }) =>
        this.refusals.keep({ service, release: digest, number, findings, at: this.#options.clock.wall() }),
      async (policy, terms) => {
        const serving = await this.#serving();
        const leave = this.#leaveFor(policy, terms, serving);
        // Kept before it is judged: a node that dies in between has told nothing more than it counted.
        if (leave.kind === 'judge') this.#verdicts.write(leave.kept);
        return leave;
      },
    );
  }

  #leaveFor(policy: PromptPolicy, terms: SiteTerms, serving: ReadonlySet<string>): TermLeave {
    const asked = { policy: digestOf(policy), terms: digestOf(terms), at: this.#options.clock.wall() };
    return decideTermLeave(this.#verdicts.read(), asked, serving);
  }

  async #serving(): Promise<ReadonlySet<string>> {
    const { policies } = await this.held();
    return new Set(policies.filter(({ serves }) => serves).map(({ policy }) => digestOf(policy)));
  }

  /**
   * What would end the attempt, for a person who reads the offer: with the terms and the verdicts of now. Nothing is kept and nothing
   * counted, for nothing of it leaves.
   */
  refusedNow(release: Release): Promise<RefusedRelease | null> {
    return toldRefusal(this.#thread.judge, release, this.settings.terms(), async (policy, terms) =>
      this.#leaveFor(policy, terms, await this.#serving()),
    );
  }

  /** For a person who reads the offer: what the policy makes of clinical sentences, with the terms of now. */
  clinicalChanges(policy: PromptPolicy): Promise<ClinicalChanges> {
    return this.#thread.clinical(policy, this.settings.terms());
  }

  /** Every policy that serves here, or could, and which of them cannot be read. */
  held(): Promise<HeldPolicies<HeldHere>> {
    return heldPolicies(this.#options.state(), this.#options.releaseOf);
  }

  /** Of releases that wait here and whose documents are on this disk. */
  offered(): Promise<HeldPolicies<OfferedHere>> {
    return this.#options.offered('here');
  }

  /** Releases that wait here, and that this node would refuse with the terms of now: told beside a change of those. */
  async refusedOffers(): Promise<readonly RefusedOffer[]> {
    const { policies } = await this.offered();
    const refused: RefusedOffer[] = [];
    for (const { service, number, release } of policies) {
      const why = await this.refusedNow(release);
      if (why !== null) refused.push({ service, number, ...why });
    }
    return refused;
  }

  /** Those of releases that were offered last. */
  openRefusals(): readonly PolicyRefusal[] {
    const { services } = this.#options.state().durable;
    return this.refusals
      .list()
      .filter(({ service, release }) => services[service]?.attempt?.assignment.release.digest === release);
  }

  /** Rules of the policies that serve which could not be applied. */
  troubles(): readonly PolicyTrouble[] {
    return this.counts.troubles(this.#options.servingPolicy);
  }

  async facts(): Promise<PolicyFacts> {
    const { policies, unread } = await this.held();
    return {
      serving: policies.filter(({ serves }) => serves),
      unread,
      terms: this.settings.terms(),
      onExpiry: this.settings.onExpiry(),
      troubles: this.troubles(),
      refusals: this.openRefusals(),
      now: this.#options.clock.wall(),
    };
  }

  /** Everything that was counted up to now, the newest day first. */
  hitsOf(service: string): ReturnType<SqlitePolicyHits['ofService']> {
    this.keepHits();
    return this.#hits.ofService(service);
  }

  /**
   * Ends the shadows that are over, and writes down what policies did since; what is older than 13 months is forgotten. What cannot
   * be written is kept for the next time.
   */
  keepHits(): void {
    const counts = this.counts.take();
    const oldest = monthsBefore(this.today(), MONTHS_KEPT);
    try {
      this.shadows.sweep();
      if (oldest !== this.#pruned) this.#hits.prune(oldest);
      this.#pruned = oldest;
      this.#hits.add(counts);
    } catch (error) {
      this.counts.giveBack(counts);
      this.#options.log.error('policy.hitsNotKept', { error: String(error) });
    }
  }
}
