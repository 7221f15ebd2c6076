import { isUsableValue, Refusal, type PolicyVariable, type PromptPolicy } from '@openward/contracts';
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
  /** Of the service's own fallback text. */
  readonly ofService?: readonly PolicyVariable[];
  /** The service's own, as it is written. */
  readonly fallbackText?: string;
}

/** A release whose document cannot be read here now, so that its policy could not be checked. */
export type UnreadPolicy = Pick<HeldPolicy, 'service' | 'number'>;

export interface HeldPolicies<P extends HeldPolicy = HeldPolicy> {
  readonly policies: readonly P[];
  readonly unread: readonly UnreadPolicy[];
}

interface Options {
  readonly store: Pick<SqliteSitePolicy, 'read' | 'write'>;
  readonly held: () => Promise<HeldPolicies>;
  /** Of releases that wait here, whose documents are fetched where they are not here yet: a person of this site asked. */
  readonly offered: () => Promise<HeldPolicies>;
  readonly check: (policy: PromptPolicy, terms: SiteTerms) => Promise<RefusedPolicy | null>;
  /** Why no policy could use such terms, whatever its rules. */
  readonly checkTerms: (terms: SiteTerms) => RefusedPolicy | null;
  /** Makes ready anew, with the terms as they are now, what serves and what runs in shadow. */
  readonly apply: () => void;
}

/** The site's own terms, kept on its disk. They need no network, and a change holds for the next request. */
export class SiteTermsStore {
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

  /**
   * Refuses with `termRefused` where a policy that is held here would not run so: then nothing changes. Resolves with what could not
   * be checked, because it cannot be read; it is checked before it is loaded again.
   */
  change(change: SettingsChange): Promise<readonly UnreadPolicy[]> {
    const result = this.#turn.then(() => this.#change(change));
    this.#turn = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  async #change(change: SettingsChange): Promise<readonly UnreadPolicy[]> {
    const before = this.#settings;
    const settings = changed(before, change);
    // What happens when a policy has expired changes nothing of how it runs.
    if (change.kind === 'setOnExpiry') {
      this.#put(settings, before);
      return [];
    }
    if (change.kind === 'setRecordNumber' && change.pattern !== null) assertBraces(change.pattern);
    if (change.kind === 'setVariable' && change.value !== null) {
      assertUsable(change.name, change.value);
      await this.#assertSettable(change.name);
    }
    const unread = await this.#assertRuns(settings.terms);
    this.#put(settings, before);
    return unread;
  }

  /** A name that no policy here has is a slip of the pen, and the number that was meant would go on being the default. */
  async #assertSettable(name: string): Promise<void> {
    const { held, offered } = this.#options;
    const here = await held();
    if (namesIn(here).includes(name)) return;
    const waiting = await offered();
    if (namesIn(waiting).includes(name)) return;
    throw unknownName(name, {
      policies: [...here.policies, ...waiting.policies],
      unread: [...here.unread, ...waiting.unread],
    });
  }

  #put(settings: SitePolicySettings, before: SitePolicySettings): void {
    const { store, apply } = this.#options;
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
  async #assertRuns(terms: SiteTerms): Promise<readonly UnreadPolicy[]> {
    const { held, check, checkTerms } = this.#options;
    const wrong = checkTerms(terms);
    if (wrong !== null) throw noTerms(wrong);
    const checked = new Set<PromptPolicy>();
    for (;;) {
      const { policies, unread } = await held();
      const one = policies.find(({ policy }) => !checked.has(policy));
      if (one === undefined) return unread;
      const { service, number, policy } = one;
      const refused = await check(policy, terms);
      const what = `With it the policy ${policy.id}@${policy.revision} of ${service} release ${number} would not run`;
      if (refused !== null) throw refusalOf(what, refused);
      checked.add(policy);
    }
  }
}

/** RE2 takes a brace that opens no count for the sign itself, and the pattern then finds what nobody meant. */
function assertBraces(pattern: string): void {
  const bare = pattern.replace(/\\[pP]\{\^?\w+\}|\\x\{[0-9A-Fa-f]+\}|\\./gu, '').replace(/\[\^?\]?[^\]]*\]/g, '');
  if (!/[{}]/.test(bare.replace(/\{\d+(?:,\d*)?\}/g, ''))) return;
  throw new Refusal(
    'patternInvalid',
    'It is no pattern for record numbers: a brace in it opens or closes no count such as {7}; write \\{ or \\} for the sign. Nothing has changed.',
  );
}

/** What is wrong with the pattern itself, whatever any policy does with it. */
function noTerms(wrong: RefusedPolicy): Refusal {
  const own = wrong.findings.find(({ code }) => code === 'siteTermInvalid');
  if (own === undefined) return refusalOf('It is refused', wrong);
  return new Refusal('patternInvalid', `It is no pattern for record numbers: ${own.message} Nothing has changed.`);
}

const refusalOf = (what: string, { findings }: RefusedPolicy): Refusal => {
  const [first] = findings;
  const why = first === undefined ? 'it is not known why.' : `${first.where}: ${first.message}`;
  return new Refusal('termRefused', `${what}: ${why} Nothing has changed.`, { details: findings });
};

function assertUsable(name: string, value: string): void {
  if (isUsableValue(value)) return;
  throw new Refusal(
    'termRefused',
    `That is no value of ${JSON.stringify(name)}: it has to show something, on one line, without {{. ` +
      `For each policy’s own default: openward node policy set ${name} --default. Nothing has changed.`,
  );
}

const namesIn = ({ policies }: HeldPolicies): readonly string[] =>
  policies
    .flatMap(({ policy, ofService = [] }) => [...policy.variables, ...ofService])
    .filter((one) => one.setBySite)
    .map((one) => one.name);

function unknownName(name: string, all: HeldPolicies): Refusal {
  const names = [...new Set(namesIn(all))].sort();
  const there = names.length === 0 ? '' : `; there is ${names.join(', ')}`;
  const notRead = all.unread.map(({ service, number }) => ` ${service} release ${number} cannot be read.`).join('');
  return new Refusal(
    'notFound',
    `No policy or service on this node, and none that waits, lets the site set ${JSON.stringify(name)}${there}.${notRead}`,
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
