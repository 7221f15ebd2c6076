import { z } from 'zod';
import { Instant, Name } from '../ids.ts';

/** What a token may do: an admin everything, an auditor read. */
export const Role = z.enum(['admin', 'auditor']);
export type Role = z.infer<typeof Role>;
export const CreateAccessToken = z.strictObject({
  name: Name,
  role: Role,
  lifetimeDays: z.int().min(1).max(3650).default(90),
});
export const CreatedAccessToken = z.object({ name: Name, role: Role, token: z.string(), expiresAt: Instant });
/** Of one that was made: never the token. */
export const AccessTokenView = z.object({
  name: Name,
  role: Role,
  createdAt: Instant,
  expiresAt: Instant,
  revokedAt: Instant.nullable(),
});
export type AccessTokenView = z.infer<typeof AccessTokenView>;
export const Me = z.object({ name: z.string(), role: Role });
export type Me = z.infer<typeof Me>;

/** One state change, as the stream of events tells it; a client that missed some reads the resource again. */
export const LiveEvent = z.object({
  type: z.enum(['rollout', 'node', 'release', 'recall']),
  id: z.string(),
  version: z.int(),
});
export type LiveEvent = z.infer<typeof LiveEvent>;
