import { PolicyOutcome, type PromptPolicy } from '@openward/contracts';
import type { Hit, Notice, PolicyFinding, SiteTerms } from './model.ts';
import type { Matched } from './matching.ts';
import { renderTemplate, variableValues } from './template.ts';

/** The texts of a policy for one site, filled in. */
export interface Texts {
  readonly systemPrompt: string;
  of(code: string, language: string): string;
}

/** Every text that rules and the disclaimer name, in every language; or which are missing or cannot be filled in. */
export function renderTexts(
  policy: PromptPolicy,
  terms: SiteTerms,
): { readonly texts: Texts; readonly findings: readonly PolicyFinding[] } {
  const values = variableValues(policy, terms.variables);
  const findings: PolicyFinding[] = [];
  const render = (template: string, where: string): string => {
    try {
      return renderTemplate(template, values);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      findings.push({ code: 'variableUnknown', where, message });
      return '';
    }
  };
  const filled = new Map<string, string>();
  for (const [code, byLanguage] of Object.entries(policy.texts)) {
    for (const [language, text] of Object.entries(byLanguage)) {
      filled.set(`${code} ${language}`, render(text, `texts.${code}.${language}`));
    }
  }
  for (const { code, where } of namedTexts(policy)) {
    const missing = policy.languages.filter((language) => !filled.has(`${code} ${language}`));
    if (missing.length === 0) continue;
    findings.push({ code: 'textMissing', where, message: `There is no text ${code} in ${missing.join(', ')}.` });
  }
  return {
    findings,
    texts: {
      systemPrompt: render(policy.systemPrompt, 'systemPrompt'),
      of: (code, language) => {
        const text = filled.get(`${code} ${language}`);
        if (text === undefined) throw new Error(`no text ${code} in ${language}`);
        return text;
      },
    },
  };
}

/** The texts that rules and the disclaimer name, and where. */
export function* namedTexts({
  rules,
  disclaimer,
}: PromptPolicy): Generator<{ readonly code: string; readonly where: string }> {
  for (const [at, { action }] of rules.entries()) {
    if (action.does === 'block' || action.does === 'escalate')
      yield { code: action.text, where: `rules[${at}].action.text` };
  }
  if (disclaimer !== null) yield { code: disclaimer, where: 'disclaimer' };
}

/** The texts of rules that escalate, each text once, after those that stand there already. */
export function escalations(
  before: readonly Notice[],
  matched: readonly Matched[],
  texts: Texts,
  language: string,
): readonly Notice[] {
  const notices = [...before];
  for (const { ready } of matched) {
    const { action, id } = ready.rule;
    if (action.does !== 'escalate') continue;
    const text = texts.of(action.text, language);
    if (!notices.some((notice) => notice.text === text)) notices.push({ kind: 'escalation', rule: id, text });
  }
  return notices;
}

/** The text of the first rule that blocks; null: none does. */
export function refusal(matched: readonly Matched[], texts: Texts, language: string): string | null {
  for (const { ready } of matched) {
    if (ready.rule.action.does === 'block') return texts.of(ready.rule.action.text, language);
  }
  return null;
}

/** A refusal as it is given: an escalation is never suppressed, wherever notices stand otherwise. */
export const refused = (notices: readonly Notice[], text: string): string =>
  [...notices.filter(({ kind }) => kind === 'escalation').map((notice) => notice.text), text].join('\n\n');

/** From the weakest. */
const STRENGTH = PolicyOutcome.options;

/** The strongest action of rules that are enforced. */
export const strongest = (hits: readonly Hit[]): PolicyOutcome =>
  hits
    .filter(({ mode }) => mode === 'enforce')
    .reduce<PolicyOutcome>((most, { does }) => (STRENGTH.indexOf(does) > STRENGTH.indexOf(most) ? does : most), 'none');
