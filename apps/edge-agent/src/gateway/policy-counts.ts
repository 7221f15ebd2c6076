import type { PolicyRef, PolicyStage, PromptPolicy } from '@openward/contracts';
import type { PolicyHitCount, PolicyHitMode } from '@openward/persistence/node';
import type { Hit, Watched } from '@openward/policy';

/** A rule that could not be applied: shown to the site at once (`/health`, `doctor`), as long as its policy serves. */
export interface PolicyTrouble extends PolicyRef {
  readonly service: string;
  readonly rule: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Of this policy, since the agent started. */
  readonly times: number;
}

type Counted = Omit<PolicyHitCount, 'count'>;
type Row = Counted & { count: number };

const MOST_RECENT = 4;

const isOf = (trouble: PolicyTrouble, { id, revision }: PolicyRef): boolean =>
  trouble.id === id && trouble.revision === revision;

/** In memory, so that a request waits for no disk; whoever keeps them takes them now and then. */
export class PolicyCounts {
  readonly #today: () => string;
  #counts = new Map<string, Row>();
  /** The last rows that were added to: most conversations count in the same two. */
  #recent: readonly Row[] = [];
  readonly #troubles = new Map<string, PolicyTrouble>();

  constructor(today: () => string) {
    this.#today = today;
  }

  /** One question, or one reply, that the policy that serves judged, and what hit. */
  judged(service: string, policy: PromptPolicy, stage: PolicyStage, hits: readonly Hit[]): void {
    this.#judged(service, policy, stage, hits, 'enforce');
  }

  /** The same of rules that only count: those in shadow, or all of the next policy. A failure there is no trouble. */
  watched(
    service: string,
    policy: PromptPolicy,
    stage: PolicyStage,
    { hits, failed }: Watched,
    mode: 'shadow' | 'next',
  ): void {
    this.#judged(service, policy, stage, hits, mode);
    for (const rule of failed) this.#count(service, policy, rule, stage, 'failed', mode);
  }

  /** A request that no rule saw, since the policy refuses its system message, a control character, or a parameter. */
  refused(service: string, policy: PromptPolicy, mode: 'enforce' | 'next'): void {
    this.#count(service, policy, null, 'input', 'refused', mode);
  }

  /** A rule of the serving policy that could not be applied; the request got the service's fallback. */
  failed(service: string, policy: PromptPolicy, rule: string, at: number): void {
    const stage = policy.rules.find(({ id }) => id === rule)?.stage ?? 'input';
    this.#count(service, policy, rule, stage, 'failed', 'enforce');
    const before = this.#troubles.get(service);
    const times = before !== undefined && isOf(before, policy) ? before.times + 1 : 1;
    this.#troubles.set(service, { service, id: policy.id, revision: policy.revision, rule, at, times });
  }

  /** The last of each service, of the policy that serves there or would; those of others are forgotten. */
  troubles(policyOf: (service: string) => PolicyRef | null): readonly PolicyTrouble[] {
    for (const [service, trouble] of this.#troubles) {
      const serving = policyOf(service);
      if (serving === null || !isOf(trouble, serving)) this.#troubles.delete(service);
    }
    return [...this.#troubles.values()];
  }

  /** What was counted since it was last taken. */
  take(): readonly PolicyHitCount[] {
    const counts = [...this.#counts.values()];
    this.#counts = new Map();
    this.#recent = [];
    return counts;
  }

  /** What was taken and could not be kept, to be taken again. */
  giveBack(counts: readonly PolicyHitCount[]): void {
    for (const { count, ...one } of counts) this.#add(one, count);
  }

  #judged(service: string, policy: PromptPolicy, stage: PolicyStage, hits: readonly Hit[], mode: PolicyHitMode): void {
    this.#count(service, policy, null, stage, 'judged', mode);
    for (const { rule, does } of hits) this.#count(service, policy, rule, stage, does, mode);
  }

  #count(
    service: string,
    { id, revision }: PolicyRef,
    rule: string | null,
    stage: PolicyStage,
    action: Counted['action'],
    mode: PolicyHitMode,
  ): void {
    const day = this.#today();
    for (const row of this.#recent) {
      if (row.rule !== rule || row.stage !== stage || row.action !== action || row.mode !== mode) continue;
      if (row.service !== service || row.policy !== id || row.revision !== revision || row.day !== day) continue;
      row.count += 1;
      return;
    }
    const row = this.#add({ service, policy: id, revision, rule, stage, action, mode, day });
    this.#recent = [row, ...this.#recent.slice(0, MOST_RECENT - 1)];
  }

  #add(one: Counted, count = 1): Row {
    const { service, policy, revision, rule, stage, action, mode, day } = one;
    // Names, ids and days have no blank.
    const key = `${service} ${policy} ${revision} ${rule ?? ''} ${stage} ${action} ${mode} ${day}`;
    const row = this.#counts.get(key) ?? { ...one, count: 0 };
    row.count += count;
    this.#counts.set(key, row);
    return row;
  }
}
