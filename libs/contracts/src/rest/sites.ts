import { z } from 'zod';
import { Generation, Instant, Name, Tier, Version } from '../ids.ts';
import { NodeClass, ServiceState } from '../report.ts';

/** Labels choose sites for a rollout. `site` and `tier` are set from the site itself. */
export const CreateSite = z.strictObject({
  name: Name,
  tier: Tier,
  labels: z.record(Name, z.string().min(1).max(63)).default({}),
  languages: z.array(z.string().min(2).max(20)).default(['en']),
  timeZone: z.string().min(1).max(60).default('UTC'),
  /** What the site's line carries, in bytes a second; the plan's times follow from it. */
  linkBytesPerSecond: z.int().min(1).nullable().default(null),
});
export type CreateSite = z.infer<typeof CreateSite>;
export const SiteView = CreateSite.extend({ nodes: z.int(), createdAt: Instant });
export type SiteView = z.infer<typeof SiteView>;

export const CreateToken = z.strictObject({ lifetimeMinutes: z.int().min(1).max(43_200).default(1440) });
export type CreateToken = z.infer<typeof CreateToken>;
/** `token` is shown once; only its digest is stored. */
export const CreatedToken = z.object({ id: z.string(), token: z.string(), expiresAt: Instant });
export type CreatedToken = z.infer<typeof CreatedToken>;
export const TokenView = z.object({
  id: z.string(),
  site: Name,
  createdAt: Instant,
  expiresAt: Instant,
  usedBy: Name.nullable(),
  usedAt: Instant.nullable(),
});
export type TokenView = z.infer<typeof TokenView>;

export const NodeView = z.object({
  name: Name,
  site: Name,
  tier: Tier,
  agentVersion: Version.nullable(),
  protocol: z.int().nullable(),
  class: NodeClass.nullable(),
  generation: Generation.nullable(),
  services: z.array(ServiceState),
  /** When the newest report was committed; null before the first. */
  lastReportAt: Instant.nullable(),
  /**
   * Whether the NATS server holds the node’s control connection, and since when that is so. Null where it is not known: it was
   * never seen, as behind a leaf node, or nobody has looked within a minute. A connection is no report (R7).
   */
  link: z.object({ connected: z.boolean(), since: Instant }).nullable(),
  ackedThrough: z.int(),
  enrolledAt: Instant,
  credentialsUntil: Instant.nullable(),
  revokedAt: Instant.nullable(),
  identityKeyId: z.string(),
});
export type NodeView = z.infer<typeof NodeView>;

export const AuditEntry = z.object({
  id: z.int(),
  at: Instant,
  /** A person's or token's name, `node:<name>`, or `engine`. */
  actor: z.string(),
  action: z.string(),
  subject: z.string(),
  details: z.unknown(),
});
export type AuditEntry = z.infer<typeof AuditEntry>;

export const DoctorFinding = z.object({
  level: z.enum(['ok', 'warning', 'problem']),
  what: z.string(),
  why: z.string(),
  since: Instant.nullable(),
  next: z.string(),
});
export type DoctorFinding = z.infer<typeof DoctorFinding>;
export const DoctorView = z.object({
  version: z.string(),
  protocol: z.int(),
  epoch: z.int(),
  findings: z.array(DoctorFinding),
});
export type DoctorView = z.infer<typeof DoctorView>;
