import { z } from 'zod';

// Names go into NATS subjects, JWT names and tags, file names and URLs. A dot, blank, `*` or `>` in one of them would widen
// a node's rights, so everything that mints or parses uses these and nothing looser.

/** A site, node, service, model, suite or family: lower case, digits and hyphens, at most 39 characters, as one NATS token. */
export const Name = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9-]{0,38}$/,
    'has lower-case letters, digits and hyphens, 1 to 39 of them and no hyphen first, such as lakeside-1',
  )
  .meta({ description: 'Lower-case letters, digits and hyphens; 1 to 39 characters' });
export type Name = z.infer<typeof Name>;

/** A model version or variant: as `Name`, and dots and underscores, since people write 1.2 and q8_0. Never a NATS token. */
export const Version = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,38}$/,
    'has lower-case letters, digits, dots, underscores and hyphens, 1 to 39 of them, such as 1.2 or q8_0',
  )
  .meta({ description: 'Lower-case letters, digits, dots, underscores and hyphens; 1 to 39 characters' });
export type Version = z.infer<typeof Version>;

/** SHA-256 of exact bytes, in lower-case hexadecimal, with the algorithm's name. */
export const Digest = z
  .string()
  .regex(
    /^sha256:[0-9a-f]{64}$/,
    'is a whole digest: sha256: and 64 lower-case hexadecimal digits, such as the hash that `openward rollouts plan` prints last',
  );
export type Digest = z.infer<typeof Digest>;

/** A rollout: 26 lower-case letters and digits, random, made by the control plane. */
export const RolloutId = z
  .string()
  .regex(/^ro-[a-z0-9]{8,32}$/, 'is a rollout as `openward rollouts list` names it, such as ro-4k2m9x7q1z8c');
export type RolloutId = z.infer<typeof RolloutId>;

/** One node's part in a rollout: `<rollout>.<node>.<attempt>`, made once for each rollout, node, service and attempt (R2). */
export const AssignmentId = z.string().regex(/^ro-[a-z0-9]{8,32}\.[a-z0-9-]{1,39}\.[1-9][0-9]{0,5}$/);
export type AssignmentId = z.infer<typeof AssignmentId>;

export const assignmentId = (rollout: RolloutId, node: Name, attempt: number): AssignmentId =>
  `${rollout}.${node}.${attempt}`;

export const Uuid = z.string().regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);

/** An instant, ISO 8601 in UTC. On the wire for people and expiry only: machines wait on monotonic clocks (T1). */
export const Instant = z
  .string()
  .regex(
    /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?Z$/,
    'is a day and a time in UTC, with seconds and a Z, such as 2027-01-31T08:00:00Z',
  );

/** Ed25519 public key or signature, base64url without padding. */
export const PublicKey = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
export type PublicKey = z.infer<typeof PublicKey>;
export const Signature = z.string().regex(/^[A-Za-z0-9_-]{86}$/);

/** The public half of a NATS user's key (an nkey). */
export const NatsUserKey = z.string().regex(/^U[A-Z2-7]{55}$/);

/**
 * A person opens an epoch, so a million is more than ever are. What a node reports of its own is bounded here, before any of it
 * is compared with, or added to, a number of a database.
 */
export const MAX_EPOCH = 1_000_000;

/**
 * A generation orders the desired states of a node: epoch first, then number (D6). Nodes refuse what is older than what
 * they hold, and reconcile an equal one again.
 */
export const Generation = z.object({
  epoch: z.int().min(1).max(MAX_EPOCH),
  number: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
});
export type Generation = z.infer<typeof Generation>;

export const compareGenerations = (a: Generation, b: Generation): number => a.epoch - b.epoch || a.number - b.number;

export const Tier = z.enum(['referral', 'district', 'primary']);
export type Tier = z.infer<typeof Tier>;
