import { z } from 'zod';
import { ArtifactRef, ChatTemplate, ModelVersion, VariantNeeds } from '../artifact.ts';
import { Digest, Instant, Name, Version } from '../ids.ts';
import { Language, PolicyRef, PromptPolicy } from '../policy.ts';
import { ChangeClass, GenerationParameters, Release, Service } from '../release.ts';
import { fallbackFaults } from '../service-text.ts';
import { SuiteDocument } from '../suite.ts';

export const CreateService = Service.check(({ value, issues }) => {
  for (const { path, message } of fallbackFaults(value))
    issues.push({ code: 'custom', input: value, path: [...path], message });
});
export const ServiceView = Service.extend({ createdAt: Instant, releases: z.int() });
export type ServiceView = z.infer<typeof ServiceView>;

/** Which of these chunks the artifact store does not have (D1); at most 1,000 at once. */
export const ChunksMissing = z.strictObject({ digests: z.array(Digest).min(1).max(1000) });
export const ChunksMissingReply = z.object({ missing: z.array(Digest) });
export const ChunkStored = z.object({
  /** False: it was there already. */
  stored: z.boolean(),
});
export type ChunkStored = z.infer<typeof ChunkStored>;

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
/** `retiredAt`: from then on no release names it, and nothing of it is rolled out. */
export const ModelView = ModelVersion.extend({ createdAt: Instant, retiredAt: Instant.nullable().default(null) });
export type ModelView = z.infer<typeof ModelView>;

/** What a recall would leave: of the nodes that serve the release, those that have no other to go to (the first 200). */
export const RecallEffect = z.object({
  serving: z.int(),
  leftWithNothing: z.int(),
  nodes: z.array(z.object({ node: Name, site: Name })),
});
export type RecallEffect = z.infer<typeof RecallEffect>;

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

export const WholeSuite = z.object({ digest: Digest, artifact: ArtifactRef, document: SuiteDocument });
export type WholeSuite = z.infer<typeof WholeSuite>;

/**
 * Registers one revision of a policy: the whole document. Judged by `checkPolicy` of `@openward/policy`, whose findings go with
 * the refusal as `PolicyFinding`s, so that the server finds what the author's own `openward policy test` does.
 */
export const CreatePolicy = PromptPolicy;

/** What is wrong with a policy: an entry of `details` of `policyInvalid` and `policyTestFailed`. */
export const PolicyFindingView = z.object({ code: z.string(), where: z.string(), message: z.string() });
export type PolicyFindingView = z.infer<typeof PolicyFindingView>;

export const PolicyView = z.object({
  id: Name,
  revision: z.int(),
  digest: Digest,
  description: z.string(),
  languages: z.array(Language),
  rules: z.int(),
  tests: z.int(),
  notBefore: Instant.nullable(),
  expires: Instant.nullable(),
  createdAt: Instant,
  createdBy: z.string(),
});
export type PolicyView = z.infer<typeof PolicyView>;

export const WholePolicy = z.object({ ...PolicyView.shape, document: PromptPolicy });
export type WholePolicy = z.infer<typeof WholePolicy>;

const FieldDiffView = z.object({ field: z.string(), from: z.string().nullable(), to: z.string().nullable() });

/** `PolicyDiff` of `@openward/policy`: two revisions side by side, texts line by line and rules field by field. */
export const PolicyDiffView = z.object({
  from: PolicyRef,
  to: PolicyRef,
  change: z.enum(['policyText', 'policyRule']).nullable(),
  texts: z.array(
    z.object({
      where: z.string(),
      lines: z.array(z.object({ kind: z.enum(['same', 'removed', 'added']), text: z.string() })),
    }),
  ),
  rules: z.array(
    z.object({
      rule: z.string(),
      kind: z.enum(['added', 'removed', 'changed', 'moved']),
      fields: z.array(FieldDiffView),
    }),
  ),
  fields: z.array(FieldDiffView),
  tests: z.object({ added: z.int(), removed: z.int() }),
});
export type PolicyDiffView = z.infer<typeof PolicyDiffView>;

export const CreateRelease = z.strictObject({
  service: Name,
  /**
   * The class that the difference to what the rollout of the service that was completed last brought has: computed where it is not
   * given, and another is refused.
   */
  change: ChangeClass.optional(),
  model: z.strictObject({ name: Name, version: Version }),
  /** Registered before; the release carries it whole. */
  policy: PolicyRef,
  parameters: GenerationParameters,
  suite: z.strictObject({ name: Name, version: z.int().min(1) }),
});
export type CreateRelease = z.infer<typeof CreateRelease>;
const Recalled = z.object({ at: Instant, by: z.string(), reason: z.string() });
export const ReleaseView = z.object({
  digest: Digest,
  release: Release,
  createdAt: Instant,
  createdBy: z.string(),
  recalled: Recalled.nullable(),
});
export type ReleaseView = z.infer<typeof ReleaseView>;

/** In a list: what a release binds, by name. The documents themselves have whole policies, with their tests. */
export const ReleaseRow = z.object({
  digest: Digest,
  service: Name,
  number: z.int().min(1),
  change: ChangeClass,
  model: z.object({ name: Name, version: Version }),
  policy: PolicyRef,
  suite: z.object({ name: Name, version: z.int().min(1) }),
  createdAt: Instant,
  createdBy: z.string(),
  recalled: Recalled.nullable(),
});
export type ReleaseRow = z.infer<typeof ReleaseRow>;
