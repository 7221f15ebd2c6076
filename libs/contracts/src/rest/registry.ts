import { z } from 'zod';
import { ChatTemplate, ModelVersion, VariantNeeds } from '../artifact.ts';
import { Digest, Instant, Name, Version } from '../ids.ts';
import { PromptPolicy } from '../policy.ts';
import { ChangeClass, GenerationParameters, Release, Service } from '../release.ts';
import { SuiteDocument } from '../suite.ts';

export const CreateService = Service;
export const ServiceView = Service.extend({ createdAt: Instant, releases: z.int() });
export type ServiceView = z.infer<typeof ServiceView>;

/** Which of these chunks the artifact store does not have (D1); at most 1,000 at once. */
export const ChunksMissing = z.strictObject({ digests: z.array(Digest).min(1).max(1000) });
export const ChunksMissingReply = z.object({ missing: z.array(Digest) });

/** Registers a variant whose chunks, lists and manifest have all been uploaded. The same variant with other bytes is refused. */
export const RegisterVariant = z.strictObject({
  variant: Version,
  manifest: Digest,
  kind: z.enum(['base', 'adapter']),
  /** Of an adapter: the version that it was trained on; each of its variants must fit one of the base's. */
  base: z.strictObject({ name: Name, version: Version }).optional(),
  baseVariant: Version.optional(),
  template: ChatTemplate,
  contextLength: z.int().min(16).max(1_048_576),
  needs: VariantNeeds,
  trainingStatement: z.string().max(4000).default(''),
});
export type RegisterVariant = z.infer<typeof RegisterVariant>;
export const ModelView = ModelVersion.extend({ createdAt: Instant });
export type ModelView = z.infer<typeof ModelView>;

export const SuiteView = z.object({
  name: Name,
  version: z.int(),
  service: Name,
  digest: Digest,
  items: z.int(),
  readsSiteData: z.boolean(),
  createdAt: Instant,
});
export type SuiteView = z.infer<typeof SuiteView>;
export const CreateSuite = SuiteDocument;

export const CreateRelease = z.strictObject({
  service: Name,
  change: ChangeClass,
  model: z.strictObject({ name: Name, version: Version }),
  policy: PromptPolicy,
  parameters: GenerationParameters,
  suite: z.strictObject({ name: Name, version: z.int().min(1) }),
});
export type CreateRelease = z.infer<typeof CreateRelease>;
export const ReleaseView = z.object({
  digest: Digest,
  release: Release,
  createdAt: Instant,
  createdBy: z.string(),
  recalled: z.object({ at: Instant, by: z.string(), reason: z.string() }).nullable(),
});
export type ReleaseView = z.infer<typeof ReleaseView>;
