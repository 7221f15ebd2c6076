import type { PolicyRef, PromptPolicy } from '@openward/contracts';
import type { Hit } from '@openward/policy';

/** As the node's store keeps it: see `PolicyHitCount` there. */
export interface PolicyCount {
  readonly service: string;
  readonly policy: string;
  readonly revision: number;
  readonly rule: string | null;
  readonly stage: 'input' | 'output';
  readonly action: string;
  readonly mode: 'enforce' | 'shadow' | 'next';
  readonly day: string;
  readonly count: number;
}

/** A rule that could not be applied: shown to the site at once (`/health`, `doctor`). */
export interface PolicyTrouble extends PolicyRef {
  readonly service: string;
  readonly rule: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Since the agent started. */
  readonly times: number;
}

/** In memory, so that a request waits for no disk; whoever keeps them takes them now and then. */
export class PolicyCounts {
  readonly #today: () => string;
  #counts = new Map<string, { -readonly [K in keyof PolicyCount]: PolicyCount[K] }>();
  readonly #troubles = new Map<string, PolicyTrouble>();

  constructor(today: () => string) {
    this.#today = today;
  }

  /** One conversation that was judged, and what hit. `next`: by a policy that runs in shadow beside the one that serves. */
  judged(service: string, policy: PromptPolicy, hits: readonly Hit[], whose: 'serving' | 'next'): void {
    const of = { service, policy: policy.id, revision: policy.revision, day: this.#today() };
    const mode = whose === 'next' ? 'next' : 'enforce';
    this.#add({ ...of, rule: null, stage: 'input', action: 'judged', mode });
    for (const { rule, stage, does, mode: own } of hits)
      this.#add({ ...of, rule, stage, action: does, mode: whose === 'next' ? 'next' : own });
  }

  /** A rule of the serving policy that could not be applied; the request got the service's fallback. */
  failed(service: string, policy: PromptPolicy, rule: string, at: number): void {
    this.#addFailed(service, policy, rule, 'enforce');
    const times = (this.#troubles.get(service)?.times ?? 0) + 1;
    this.#troubles.set(service, { service, id: policy.id, revision: policy.revision, rule, at, times });
  }

  /** The same in shadow, which harms no request and is no trouble. */
  failedInShadow(service: string, policy: PromptPolicy, rule: string): void {
    this.#addFailed(service, policy, rule, 'next');
  }

  /** The last of each service. */
  troubles(): readonly PolicyTrouble[] {
    return [...this.#troubles.values()];
  }

  /** What was counted since it was last taken. */
  take(): readonly PolicyCount[] {
    const counts = [...this.#counts.values()];
    this.#counts = new Map();
    return counts;
  }

  /** What was taken and could not be kept, to be taken again. */
  giveBack(counts: readonly PolicyCount[]): void {
    for (const { count, ...one } of counts) this.#add(one, count);
  }

  #addFailed(service: string, policy: PromptPolicy, rule: string, mode: PolicyCount['mode']): void {
    const stage = policy.rules.find(({ id }) => id === rule)?.stage ?? 'input';
    const of = { service, policy: policy.id, revision: policy.revision, day: this.#today() };
    this.#add({ ...of, rule, stage, action: 'failed', mode });
  }

  #add(one: Omit<PolicyCount, 'count'>, count = 1): void {
    const key = JSON.stringify([
      one.service,
      one.policy,
      one.revision,
      one.rule,
      one.stage,
      one.action,
      one.mode,
      one.day,
    ]);
    const known = this.#counts.get(key);
    if (known === undefined) this.#counts.set(key, { ...one, count });
    else known.count += count;
  }
}
