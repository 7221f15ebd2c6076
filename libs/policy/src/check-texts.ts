import { msOfInstant, PARAMETER_BOUNDS, type PromptPolicy } from '@openward/contracts';
import type { PolicyFinding } from './model.ts';
import { namedTexts } from './texts.ts';

/** Texts that are named and not there, or not there in a language of the policy. */
export function* textFindings(policy: PromptPolicy): Generator<PolicyFinding> {
  const { texts, languages } = policy;
  for (const { code, where } of namedTexts(policy)) {
    if (Object.hasOwn(texts, code)) continue;
    const message = `There is no text ${code}. Write it, in each language of the policy.`;
    yield { code: 'textMissing', where, message };
  }
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

/** Of a rule. What takes so long is slow by itself. */
const LEAST_TIME_MS = 50;

/** Bounds that would let a client set what no release may have, and instants that are none. */
export function* boundFindings({ parameters, rules, notBefore, expires }: PromptPolicy): Generator<PolicyFinding> {
  for (const [at, { timeLimitMs }] of rules.entries()) {
    if (timeLimitMs >= LEAST_TIME_MS) continue;
    yield {
      code: 'shape',
      where: `rules[${at}].timeLimitMs`,
      message: `It is ${timeLimitMs}, and at least ${LEAST_TIME_MS} ms: with less, how busy a machine is decides whether the rule fails.`,
    };
  }
  for (const [at, rule] of parameters.entries()) {
    if (rule.kind !== 'bounded') continue;
    const { least, most } = PARAMETER_BOUNDS[rule.field];
    const whole = rule.field === 'maxTokens';
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
