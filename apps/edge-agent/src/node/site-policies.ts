import { Refusal, type PromptPolicy } from '@openward/contracts';
import type { SiteTerms } from '@openward/policy';
import type { OnPolicyExpiry, SitePolicySettings, SqliteSitePolicy } from '@openward/persistence/node';
import type { RefusedPolicy } from './policy-check.ts';

/** What a person here may change of how policies run. Null: back to the policy's own default, or to none. */
export type SettingsChange =
  | { readonly kind: 'setVariable'; readonly name: string; readonly value: string | null }
  | { readonly kind: 'setRecordNumber'; readonly pattern: string | null }
  | { readonly kind: 'setOnExpiry'; readonly choice: OnPolicyExpiry };

/** A policy that serves here, or could without another check: what waits, what was, what one would go back to. */
export interface HeldPolicy {
  readonly service: string;
  readonly number: number;
  readonly policy: PromptPolicy;
}

interface Options {
  readonly store: Pick<SqliteSitePolicy, 'read' | 'write'>;
  readonly held: () => Promise<readonly HeldPolicy[]>;
  readonly check: (policy: PromptPolicy, terms: SiteTerms) => Promise<RefusedPolicy | null>;
  /** Why no policy could use such terms, whatever its rules. */
  readonly checkTerms: (terms: SiteTerms) => RefusedPolicy | null;
  /** Makes ready anew, with the terms as they are now, what serves and what runs in shadow. */
  readonly apply: () => void;
}

/** The site's own terms. They need no network, and a change holds for the next request. */
export class SitePolicies {
  readonly #options: Options;
  #settings: SitePolicySettings;
  /** One change after the other: each is checked against what the one before has left. */
  #turn: Promise<void> = Promise.resolve();

  constructor(options: Options) {
    this.#options = options;
    this.#settings = options.store.read();
  }

  terms(): SiteTerms {
    return this.#settings.terms;
  }

  onExpiry(): OnPolicyExpiry {
    return this.#settings.onExpiry;
  }

  /** Refuses with `policyInvalid` or `policyTestFailed` where a policy that is held here would not run so: then nothing changes. */
  change(change: SettingsChange): Promise<void> {
    const result = this.#turn.then(() => this.#change(change));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #change(change: SettingsChange): Promise<void> {
    const { store, held, apply } = this.#options;
    const before = this.#settings;
    const policies = await held();
    if (change.kind === 'setVariable' && change.value !== null) assertSettable(policies, change.name);
    const settings = changed(before, change);
    if (change.kind !== 'setOnExpiry') await this.#assertRuns(settings.terms);
    store.write(settings);
    this.#settings = settings;
    try {
      apply();
    } catch (error) {
      this.#settings = before;
      store.write(before);
      apply();
      throw error;
    }
  }

  /** A check takes its time, and another release may come to stand here meanwhile: until there is none that was not checked. */
  async #assertRuns(terms: SiteTerms): Promise<void> {
    const { held, check, checkTerms } = this.#options;
    const wrong = checkTerms(terms);
    if (wrong !== null) throw refusalOf('It is refused', wrong);
    const checked = new Set<PromptPolicy>();
    const next = async (): Promise<HeldPolicy | undefined> => (await held()).find(({ policy }) => !checked.has(policy));
    for (let one = await next(); one !== undefined; one = await next()) {
      const { service, number, policy } = one;
      const refused = await check(policy, terms);
      if (refused !== null)
        throw refusalOf(
          `With it the policy ${policy.id}@${policy.revision} of ${service} release ${number} would not run`,
          refused,
        );
      checked.add(policy);
    }
  }
}

const refusalOf = (what: string, { code, findings }: RefusedPolicy): Refusal =>
  new Refusal(code, `${what}: ${findings[0]?.message ?? 'it is not known why'} Nothing has changed.`, {
    details: findings,
  });

/** A name that no policy here has is a slip of the pen, and the number that was meant would go on being the default. */
function assertSettable(policies: readonly HeldPolicy[], name: string): void {
  const settable = policies.flatMap(({ policy }) => policy.variables.filter((one) => one.setBySite));
  if (settable.some((one) => one.name === name)) return;
  const names = [...new Set(settable.map((one) => one.name))].sort();
  throw new Refusal(
    'notFound',
    `No policy on this node lets the site set ${JSON.stringify(name)}${names.length === 0 ? '' : `; there is ${names.join(', ')}`}.`,
  );
}

function changed({ terms, onExpiry }: SitePolicySettings, change: SettingsChange): SitePolicySettings {
  switch (change.kind) {
    case 'setOnExpiry':
      return { terms, onExpiry: change.choice };
    case 'setRecordNumber':
      return { terms: { ...terms, recordNumber: change.pattern }, onExpiry };
    case 'setVariable': {
      const { [change.name]: _, ...others } = terms.variables;
      const variables = change.value === null ? others : { ...others, [change.name]: change.value };
      return { terms: { ...terms, variables }, onExpiry };
    }
  }
}
