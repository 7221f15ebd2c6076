import {
  ArtifactRef,
  Digest,
  EvidenceBody,
  Instant,
  Name,
  Role,
  RolloutView,
  SuiteDocument,
  type RolloutStatus,
} from '@openward/contracts';
import { z } from 'zod';

// Answers that stand in no contract of their own, since only a client reads them.

export const RolloutRow = RolloutView.omit({ nodes: true });
export type RolloutRow = z.infer<typeof RolloutRow>;

export const WholeSuite = z.object({ digest: Digest, artifact: ArtifactRef, document: SuiteDocument });
export type WholeSuite = z.infer<typeof WholeSuite>;

export const AccessTokenView = z.object({
  name: Name,
  role: Role,
  createdAt: Instant,
  expiresAt: Instant,
  revokedAt: Instant.nullable(),
});
export type AccessTokenView = z.infer<typeof AccessTokenView>;

export const RolloutEvidence = z.object({
  items: z.array(z.object({ assignment: z.string(), node: Name, at: Instant, evidence: EvidenceBody })),
});
export type RolloutEvidence = z.infer<typeof RolloutEvidence>;

const ENDED: readonly RolloutStatus[] = ['completed', 'aborted', 'rolledBack'];
export const hasEnded = ({ status }: Pick<RolloutView, 'status'>): boolean => ENDED.includes(status);
