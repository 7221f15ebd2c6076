import { msOfInstant, type PromptPolicy } from '@openward/contracts';
import type { PolicyFinding } from './model.ts';

/** Texts that are named and not there, or not there in a language of the policy. */
export function* textFindings({ texts, rules, languages, disclaimer }: PromptPolicy): Generator<PolicyFinding> {
  const missing = (where: string, code: string): PolicyFinding[] =>
    Object.hasOwn(texts, code)
      ? []
      : [
          {
            code: 'textMissing',
            where,
            message: `There is no text ${code}. Write it, in each language of the policy.`,
          },
        ];
  for (const [at, { action }] of rules.entries()) {
    if (action.does === 'block' || action.does === 'escalate') yield* missing(`rules[${at}].action.text`, action.text);
  }
  if (disclaimer !== null) yield* missing('disclaimer', disclaimer);
  for (const [code, byLanguage] of Object.entries(texts)) {
    for (const language of languages) {
      if (!Object.hasOwn(byLanguage, language)) {
        yield {
          code: 'languageMissing',
          where: `texts.${code}`,
          message: `The text is not there in ${language}, a language of the policy.`,
        };
      }
    }
    for (const language of Object.keys(byLanguage)) {
      if (!languages.includes(language)) {
        yield {
          code: 'languageMissing',
          where: `texts.${code}.${language}`,
          message: `The policy is not for ${language}. Add it to its languages, or leave the text out.`,
        };
      }
    }
  }
}

/** Bounds that would let a client set what no release may have, and instants that are none. */
export function* boundFindings({ parameters, notBefore, expires }: PromptPolicy): Generator<PolicyFinding> {
  for (const [at, rule] of parameters.entries()) {
    if (rule.kind !== 'bounded') continue;
    const { least, most, whole } = BOUNDS[rule.field];
    for (const end of ['min', 'max'] as const) {
      const value = rule[end];
      if (value >= least && value <= most && (!whole || Number.isInteger(value))) continue;
      yield {
        code: 'shape',
        where: `parameters[${at}].${end}`,
        message: `${rule.field} goes from ${least} to ${most}${whole ? ', in whole numbers' : ''}, in each release.`,
      };
    }
  }
  for (const [where, instant] of Object.entries({ notBefore, expires })) {
    if (instant !== null && Number.isNaN(msOfInstant(instant)))
      yield { code: 'shape', where, message: 'The calendar has no such instant.' };
  }
  if (notBefore !== null && expires !== null && msOfInstant(expires) <= msOfInstant(notBefore))
    yield { code: 'shape', where: 'expires', message: 'It expires before it may be activated.' };
}

/** As `GenerationParameters` of the contracts; the least top-p stands for "over 0". */
const BOUNDS = {
  temperature: { least: 0, most: 2, whole: false },
  topP: { least: 0.001, most: 1, whole: false },
  maxTokens: { least: 1, most: 32_768, whole: true },
} as const;
