import { z } from 'zod';
import { ArtifactRef, ModelVersion } from './artifact.ts';
import { Digest, Name } from './ids.ts';
import { Language, PolicyVariable, PromptPolicy } from './policy.ts';

/** The stable name that a clinic's application calls. */
export const Service = z.object({
  name: Name,
  purpose: z.string().min(1).max(500),
  users: z.string().min(1).max(200),
  languages: z.array(Language).min(1),
  riskClass: z.enum(['low', 'moderate', 'high']),
  /**
   * What to do without the service: told where it is halted, does not serve, or its policy cannot be applied or has expired. It may
   * name variables that are declared beside it, `{{emergencyNumber}}`; without any it is told as it is.
   */
  fallbackText: z.string().min(1).max(1000),
  variables: z.array(PolicyVariable).max(16).optional(),
});
export type Service = z.infer<typeof Service>;

export const ChangeClass = z.enum(['policyText', 'policyRule', 'adapter', 'quantisation', 'base', 'newService']);
export type ChangeClass = z.infer<typeof ChangeClass>;

/** What any release may ask of a runtime, and so what a policy's rule may let a client ask; the least top-p stands for "over 0". */
export const PARAMETER_BOUNDS = {
  temperature: { least: 0, most: 2 },
  topP: { least: 0.001, most: 1 },
  maxTokens: { least: 1, most: 32_768 },
} as const;

/**
 * Sampling and length, for every request that names none. A client may lower `maxTokens`, and set what the policy's parameter rules
 * let it, within their bounds; these are within them too, or the release is refused.
 */
export const GenerationParameters = z.object({
  temperature: z.number().min(PARAMETER_BOUNDS.temperature.least).max(PARAMETER_BOUNDS.temperature.most),
  topP: z.number().gt(0).max(PARAMETER_BOUNDS.topP.most).optional(),
  seed: z.int().min(0).max(2_147_483_647).optional(),
  maxTokens: z.int().min(PARAMETER_BOUNDS.maxTokens.least).max(PARAMETER_BOUNDS.maxTokens.most),
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
