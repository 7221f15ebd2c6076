import { plainPolicy, type PolicyRule, type PromptPolicy, type RuleAction, type RuleMatch } from '@openward/contracts';

// Policies for tests and benches.

export const redact: RuleAction = { does: 'redact', marker: '[…]' };

/** A rule that redacts replies, but for what is given. */
export const ruleOf = (id: string, match: RuleMatch, given: Partial<PolicyRule> = {}): PolicyRule => ({
  id,
  description: `What ${id} is for.`,
  stage: 'output',
  match,
  action: redact,
  mode: 'enforce',
  timeLimitMs: 1_000,
  ...given,
});

export const regex = (pattern: string, ignoreCase = true): RuleMatch => ({ kind: 'regex', pattern, ignoreCase });

/** A policy in English and German with these rules, and texts for `refusal`, `emergency` and `disclaimer`. */
export const policyOf = (rules: readonly PolicyRule[], given: Partial<PromptPolicy> = {}): PromptPolicy => ({
  ...plainPolicy('Answer in plain words.', { id: 'for-tests', languages: ['en', 'de'] }),
  rules: [...rules],
  variables: [{ name: 'emergencyNumber', description: 'The local emergency number.', default: '112', setBySite: true }],
  texts: {
    refusal: { en: 'I cannot help with that.', de: 'Dabei kann ich nicht helfen.' },
    emergency: { en: 'Call {{emergencyNumber}} now.', de: 'Rufen Sie jetzt {{emergencyNumber}} an.' },
    disclaimer: { en: 'This is not medical advice.', de: 'Das ist kein ärztlicher Rat.' },
  },
  ...given,
});

const DRUGS = ['ibuprofen', 'metformin', 'warfarin', 'lisinopril', 'amoxicillin', 'oxycodone', 'fentanyl', 'insulin'];
const WORDS = ['chest pain', 'suicide', 'overdose', 'stroke', 'seizure', 'bleeding', 'self-harm', 'anaphylaxis'];

/**
 * As many rules as a large hospital would have, of the kinds that it would have: mostly patterns, some identifiers, some topics of
 * many phrases. `stage` of all of them.
 */
export function realisticRules(count: number, stage: PolicyRule['stage']): PolicyRule[] {
  return Array.from({ length: count }, (_, at): PolicyRule => {
    const id = `rule-${at}`;
    const drug = DRUGS[at % DRUGS.length] ?? '';
    const word = WORDS[at % WORDS.length] ?? '';
    switch (at % 10) {
      case 0:
        return ruleOf(id, { kind: 'identifier', identifier: 'phone' }, { stage });
      case 1:
        return ruleOf(id, { kind: 'identifier', identifier: 'email' }, { stage });
      case 2:
        return ruleOf(
          id,
          {
            kind: 'topic',
            phrases: {
              en: Array.from({ length: 60 }, (_none, n) => `${word} ${n}`),
              de: [`${word} sofort`, 'Brustschmerz'],
            },
          },
          { stage },
        );
      case 3:
        return ruleOf(id, regex(String.raw`\bward[ -]?${at}[a-f]?-\d{3,6}\b`), { stage });
      case 4:
        return ruleOf(id, regex(`\\b(?:${DRUGS.join('|')}) ${at}\\d{2} ?mg\\b`), { stage });
      case 5:
        return ruleOf(id, regex(String.raw`(?:case|file|ref)[ .:#]{1,3}${at}\d{4,8}`), { stage });
      case 6:
        return ruleOf(id, regex(`\\b(?:double|triple) (?:the|your) ${drug} ${at}\\b`), { stage });
      case 7:
        return ruleOf(id, regex(`https?://(?:www\\.)?clinic${at}\\.[a-z]{2,6}/[a-z0-9/_-]{1,80}`), { stage });
      case 8:
        return ruleOf(id, regex(`\\bstop taking (?:your )?${drug} number ${at}\\b`), { stage });
      default:
        return ruleOf(id, regex(`\\b(?:guaranteed|certain) to ${word} ${at}\\b`), { stage });
    }
  });
}

const PARAGRAPH =
  'Take 5 mg of lisinopril once a day, with or without food; your blood pressure of 142/91 mmHg is above the range of 90/60 to ' +
  '120/80. Potassium was 4.1 mmol/L on 12 March 2026. If you feel dizzy, sit down for ten minutes and measure again. Ask the ' +
  'clinic before you take ibuprofen, which can raise the pressure. Größere Mengen (über 1,5 g pro Tag) sind zu vermeiden. ';

/** A clinical text of so many characters. */
export const realisticText = (length: number): string =>
  PARAGRAPH.repeat(Math.ceil(length / PARAGRAPH.length)).slice(0, length);
