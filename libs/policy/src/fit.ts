import type { PolicyParameter, PromptPolicy } from '@openward/contracts';
import type { Bound } from './class-of-change.ts';
import type { PolicyFinding } from './model.ts';

/**
 * Why a policy is not for a release that binds it: where the release is made, and on each node. A policy says for which models and
 * languages it was written and tested, and its bounds hold for what the release itself asks for: a client that names no value gets
 * the release's own.
 */
export function misfitsOf({ policy, model, service, parameters }: Omit<Bound, 'suite'>): readonly PolicyFinding[] {
  return [...ofModel(policy, model), ...ofLanguages(policy, service), ...ofParameters(policy, parameters)];
}

function* ofModel({ models }: PromptPolicy, { name, version }: Bound['model']): Generator<PolicyFinding> {
  if (models.length === 0 || models.some((it) => it.name === name && (it.versions?.includes(version) ?? true))) return;
  yield { code: 'shape', where: 'models', message: `It was not written for ${name} version ${version}.` };
}

function* ofLanguages({ languages }: PromptPolicy, service: Bound['service']): Generator<PolicyFinding> {
  const missing = service.languages.filter((language) => !languages.includes(language));
  if (missing.length === 0) return;
  const message = `It has no ${missing.join(', ')}, which ${service.name} speaks.`;
  yield { code: 'languageMissing', where: 'languages', message };
}

function* ofParameters(policy: PromptPolicy, parameters: Bound['parameters']): Generator<PolicyFinding> {
  const own: Readonly<Partial<Record<PolicyParameter, number | undefined>>> = parameters;
  for (const [at, rule] of policy.parameters.entries()) {
    if (rule.kind !== 'bounded') continue;
    const { field, min, max } = rule;
    const value = own[field];
    if (value !== undefined && value >= min && value <= max) continue;
    // Without one the runtime's own would hold, which nobody bounds.
    const has = value === undefined ? 'The release has none of its own' : `The release’s own is ${value}`;
    yield { code: 'shape', where: `parameters[${at}]`, message: `${field} is bounded from ${min} to ${max}. ${has}.` };
  }
}
