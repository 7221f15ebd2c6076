import { z } from 'zod';
import { ArtifactRef, ModelVersion } from './artifact.ts';
import { Digest, Name } from './ids.ts';
import { Language, PromptPolicy } from './policy.ts';

/** The stable name that a clinic's application calls. */
export const Service = z.object({
  name: Name,
  purpose: z.string().min(1).max(500),
  users: z.string().min(1).max(200),
  languages: z.array(Language).min(1),
  riskClass: z.enum(['low', 'moderate', 'high']),
  /** What callers get with every refusal of the gateway: what to do without the service. */
  fallbackText: z.string().min(1).max(1000),
});
export type Service = z.infer<typeof Service>;

export const ChangeClass = z.enum(['policyText', 'policyRule', 'adapter', 'quantisation', 'base', 'newService']);
export type ChangeClass = z.infer<typeof ChangeClass>;

/** Sampling and length, bound by the release; a client may lower `maxTokens`, nothing else that changes an answer. */
export const GenerationParameters = z.object({
  temperature: z.number().min(0).max(2),
  topP: z.number().gt(0).max(1).optional(),
  seed: z.int().min(0).max(2_147_483_647).optional(),
  maxTokens: z.int().min(1).max(32_768),
});
export type GenerationParameters = z.infer<typeof GenerationParameters>;

export const SuiteRef = z.object({ name: Name, version: z.int().min(1), digest: Digest, artifact: ArtifactRef });
export type SuiteRef = z.infer<typeof SuiteRef>;

/**
 * Service, model version, prompt policy and evaluation suite, bound together: immutable, numbered for each service, and
 * identified by the digest of its canonical form. What a node runs follows from this document alone.
 */
export const Release = z.object({
  v: z.literal(1),
  service: Service,
  number: z.int().min(1),
  change: ChangeClass,
  model: ModelVersion,
  /** Whole, so that the release's digest covers every rule of it. */
  policy: PromptPolicy,
  parameters: GenerationParameters,
  suite: SuiteRef,
});
export type Release = z.infer<typeof Release>;
