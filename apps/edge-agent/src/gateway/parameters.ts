import { GATEWAY_PARAMETERS, PARAMETER_BOUNDS, Refusal } from '@openward/contracts';
import type { AnsweringApi, GenerationParameters, ParameterRule, PolicyParameter } from '@openward/contracts';
import { stops, type Body } from './fields.ts';

/** A request as it came, so that a policy without parameter rules costs no reading. */
export interface Asked {
  readonly api: AnsweringApi;
  readonly body: Body;
}

/** What the runtime is asked for beside the prompt. */
export interface Generation {
  readonly temperature: number;
  readonly topP: number | undefined;
  readonly seed: number | undefined;
  readonly maxTokens: number;
  /** The client's; the template's own are always there. */
  readonly stop: readonly string[];
}

const bad = (message: string): Refusal => new Refusal('badRequest', message);

/**
 * The release's parameters with what the client may change of them. Without a rule: sampling is the release's, `maxTokens` may be
 * lowered, `stop` added to. Refuses a denied field by the name that the client wrote.
 */
export function generationOf(
  rules: readonly ParameterRule[],
  release: GenerationParameters,
  wish: { readonly maxTokens: number | null; readonly stop: readonly string[]; readonly asked: Asked | null },
): Generation {
  const plain: Generation = {
    temperature: release.temperature,
    topP: release.topP,
    seed: release.seed,
    maxTokens: Math.min(release.maxTokens, wish.maxTokens ?? release.maxTokens),
    stop: wish.stop,
  };
  const { asked } = wish;
  if (asked === null || rules.length === 0) return plain;
  return rules.reduce((generation, rule) => ({ ...generation, ...underRule(rule, release, asked) }), plain);
}

function underRule(rule: ParameterRule, release: GenerationParameters, asked: Asked): Partial<Generation> {
  switch (rule.kind) {
    case 'locked':
      if (rule.field === 'maxTokens') return { maxTokens: release.maxTokens };
      return rule.field === 'stop' ? { stop: [] } : {};
    case 'denied': {
      const given = givenOf(rule.field, asked);
      if (given === null || (rule.field === 'stop' && stops(given.value).length === 0)) return {};
      throw new Refusal('fieldRefused', `The field \`${given.name}\` is denied by the policy of this service.`);
    }
    case 'bounded': {
      const given = givenOf(rule.field, asked);
      if (given === null) return {};
      const { name, value } = given;
      if (typeof value !== 'number' || !Number.isFinite(value)) throw bad(`\`${name}\` is a number.`);
      if (rule.field === 'maxTokens') return maxTokensWithin(rule, release, name, value);
      const { least, most } = PARAMETER_BOUNDS[rule.field];
      return { [rule.field]: clamp(clamp(value, rule.min, rule.max), least, most) };
    }
  }
}

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);

/** The release's own limit stands above a policy's bound: memory and length were planned with it. */
function maxTokensWithin(
  { min, max }: { readonly min: number; readonly max: number },
  release: GenerationParameters,
  name: string,
  value: number,
): Partial<Generation> {
  // As some clients write "no limit".
  const wanted = value === -1 || value === -2 ? max : value;
  if (!Number.isInteger(wanted) || wanted < 1) throw bad(`\`${name}\` is a whole number from 1.`);
  return { maxTokens: Math.max(1, Math.floor(clamp(clamp(wanted, min, max), 1, release.maxTokens))) };
}

/** The first spelling that the request has; null stands for absent, as everywhere in these APIs. */
function givenOf(
  field: PolicyParameter,
  { api, body }: Asked,
): { readonly name: string; readonly value: unknown } | null {
  for (const name of GATEWAY_PARAMETERS[api][field]) {
    const value = name.startsWith('options.') ? optionOf(body, name.slice('options.'.length)) : body[name];
    if (value !== undefined && value !== null) return { name, value };
  }
  return null;
}

function optionOf(body: Body, name: string): unknown {
  const options = body['options'];
  return typeof options === 'object' && options !== null ? (options as Body)[name] : undefined;
}
