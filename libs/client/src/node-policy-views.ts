import { Digest, Name, PolicyDiffView, PolicyRef, PolicyStage, Service } from '@openward/contracts';
import { z } from 'zod';
import { NodeOffer, NodePolicyRefusal } from './node-views.ts';

// What an agent answers of policies over its local socket. Unknown fields are kept, for `--json`.

export const NodeOfferRead = z.looseObject({
  offer: NodeOffer,
  release: z.looseObject({
    service: Service,
    number: z.int(),
    model: z.looseObject({ name: z.string(), version: z.string(), contextLength: z.int() }),
    parameters: z.looseObject({
      temperature: z.number(),
      topP: z.number().optional(),
      seed: z.int().optional(),
      maxTokens: z.int(),
    }),
    suite: z.looseObject({ name: z.string(), version: z.int() }),
    policy: PolicyRef,
  }),
  /** Lines of plain text: everything that the policy does. */
  policy: z.string(),
  /** Why the node would not run it, were it accepted now; the same check ends the attempt once the release is fetched. */
  refused: z.object({ code: z.string(), findings: NodePolicyRefusal.shape.findings }).nullable().default(null),
  /** Which clinical sentences its policy would change, as questions and as replies: each may be a dose that is lost. */
  clinical: z
    .object({
      read: z.int(),
      unread: z.int(),
      changed: z.int(),
      changes: z.array(
        z.object({
          stage: PolicyStage,
          language: z.string(),
          sentence: z.string(),
          rules: z.array(z.string()),
          becomes: z.string().nullable(),
        }),
      ),
    })
    .nullable()
    .default(null),
  /** `fields`: everything that differs beside the policy. An agent of before says nothing of it: null. */
  serving: z
    .object({ number: z.int(), diff: PolicyDiffView, fields: PolicyDiffView.shape.fields.nullable().default(null) })
    .nullable(),
  /** Whether the release document was fetched for this, and nothing else of the release. */
  fetched: z.boolean(),
});
export type NodeOfferRead = z.infer<typeof NodeOfferRead>;

const Unread = z.looseObject({ service: Name, number: z.int() });
/** A service whose fallback text does not name the variable: without its release callers are told this. */
const NotTold = z.looseObject({ service: Name, fallbackText: z.string() });
export type NotTold = z.infer<typeof NotTold>;

/**
 * `unread`: what the change could not be checked with. `alsoTakes`: what a form of record numbers takes that is none, in so many of
 * the sentences that it was tried on.
 */
export const PoliciesChanged = z.object({
  done: z.literal(true),
  unread: z.array(Unread).default([]),
  alsoTakes: z
    .object({
      sentences: z.int(),
      of: z.int(),
      examples: z.array(z.object({ sentence: z.string(), found: z.string() })),
    })
    .nullable()
    .default(null),
  notToldBy: z.array(NotTold).default([]),
  /** Releases that wait here and that this node would refuse with what is set now. */
  refusedOffers: z
    .array(z.looseObject({ service: Name, number: z.int(), findings: NodePolicyRefusal.shape.findings }))
    .default([]),
});
export type PoliciesChanged = z.infer<typeof PoliciesChanged>;

export const NodePolicySettings = z.looseObject({
  recordNumber: z.string().nullable(),
  onExpiry: z.enum(['goOn', 'fallback']),
  variables: z.record(z.string(), z.string()),
  /** Everything that is stored, used here or not. */
  ownValues: z
    .array(
      z.looseObject({
        name: z.string(),
        value: z.string(),
        isUsable: z.boolean(),
        usedBy: z.array(Unread),
        offeredTo: z.array(Unread),
        notToldBy: z.array(NotTold),
      }),
    )
    .default([]),
  /** Of every release that serves here, waits to, or could be gone back to. */
  policies: z.array(
    z.looseObject({
      service: Name,
      number: z.int(),
      serves: z.boolean(),
      policy: PolicyRef,
      expires: z.string().nullable(),
      expiry: z.object({ state: z.enum(['none', 'valid', 'soon', 'expired']), days: z.number().nullable() }),
      needsRecordNumber: z.boolean(),
      variables: z.array(
        z.looseObject({
          name: z.string(),
          description: z.string(),
          default: z.string(),
          setBySite: z.boolean(),
          value: z.string(),
        }),
      ),
    }),
  ),
  /** Releases that are held here and cannot be read: no change is checked with their policies. */
  unread: z.array(Unread).default([]),
  refusals: z.array(NodePolicyRefusal),
  troubles: z.array(z.looseObject({ service: Name, rule: z.string(), at: z.number(), times: z.int() })),
});
export type NodePolicySettings = z.infer<typeof NodePolicySettings>;

/** Null: back to each policy's own default, or to no pattern. */
export type NodePolicyChange =
  | { readonly kind: 'setVariable'; readonly name: string; readonly value: string | null }
  | { readonly kind: 'setRecordNumber'; readonly pattern: string | null }
  | { readonly kind: 'setOnExpiry'; readonly choice: 'goOn' | 'fallback' };

export const NodeShadow = z.looseObject({
  service: Name,
  release: Digest,
  number: z.int(),
  policy: PolicyRef,
  by: z.string(),
  startedAt: z.number(),
  until: z.number(),
  ended: z.object({ at: z.number(), why: z.enum(['until', 'stopped', 'activated', 'attemptEnded']) }).nullable(),
});
export type NodeShadow = z.infer<typeof NodeShadow>;

export interface StartShadow {
  readonly service: Name;
  /** Milliseconds since 1970; 30 days ahead at most. */
  readonly until: number;
  readonly by: string;
  readonly release?: number;
}

/** How often a rule hit on one day; without a rule: how many conversations were judged. */
export const NodePolicyHit = z.looseObject({
  service: Name,
  policy: z.string(),
  revision: z.int(),
  rule: z.string().nullable(),
  stage: z.enum(['input', 'output']),
  action: z.string(),
  mode: z.enum(['enforce', 'shadow', 'next']),
  day: z.string(),
  count: z.int(),
});
export type NodePolicyHit = z.infer<typeof NodePolicyHit>;
