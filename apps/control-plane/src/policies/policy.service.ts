import { Inject, Injectable } from '@nestjs/common';
import {
  expiryOf,
  Refusal,
  type Name,
  type Page,
  type PageQuery,
  type PolicyRef,
  type PolicyView,
  type PromptPolicy,
  type WholePolicy,
} from '@openward/contracts';
import { diffPolicies, NO_SITE_TERMS, policyRefusal, type PolicyDiff } from '@openward/policy';
import { createPolicyJudge } from '@openward/policy-check';
import { once, type Creation } from '../http/idempotency.ts';
import { CONTEXT, type Context } from '../process/context.ts';

@Injectable()
export class PolicyService {
  readonly #judge = createPolicyJudge();

  constructor(@Inject(CONTEXT) private readonly context: Context) {}

  /** Nothing of a policy is kept that could harm a node, whose own tests fail, or that no plan would take any more. */
  async create(document: unknown, creation: Creation): Promise<PolicyView> {
    const checked = await this.#judge(document, NO_SITE_TERMS);
    if (checked.kind === 'refused') throw policyRefusal(checked.findings);
    const { policy } = checked;
    return once(this.context.store, creation, async ({ policies, network }) => {
      assertNotExpired(policy, await network.now());
      const done = await policies.create(policy, creation.by.name);
      switch (done.kind) {
        case 'created':
        case 'same':
          return done.policy;
        case 'differs':
        case 'older': {
          const there = done.kind === 'differs' ? 'is there already, and differs' : 'was never registered';
          throw new Refusal(
            'policyExists',
            `The policy ${policy.id} revision ${policy.revision} ${there}; the newest revision is ${done.newest}.`,
            { details: { newest: done.newest } },
          );
        }
      }
    });
  }

  list({ id, ...query }: PageQuery & { readonly id?: Name | undefined }): Promise<Page<PolicyView>> {
    return this.context.store.policies.list(query, id === undefined ? {} : { id });
  }

  async get(ref: PolicyRef): Promise<WholePolicy> {
    const policy = await this.context.store.policies.find(ref);
    if (policy === null) throw new Refusal('notFound', `There is no policy ${ref.id} revision ${ref.revision}.`);
    return policy;
  }

  async diff(from: PolicyRef, to: PolicyRef): Promise<PolicyDiff> {
    return diffPolicies((await this.get(from)).document, (await this.get(to)).document);
  }
}

/** By the database's clock (T1). What was registered before it expired stays, and a plan refuses it. */
function assertNotExpired(policy: PromptPolicy, now: number): void {
  const { id, revision, expires } = policy;
  if (expiryOf(policy, now).state !== 'expired') return;
  const message = `It expired at ${expires}: no plan and no node takes it. Give it a later time, or null.`;
  const findings = [{ code: 'shape', where: 'expires', message }];
  throw new Refusal('policyInvalid', `The policy ${id} revision ${revision}: ${message}`, { details: findings });
}
