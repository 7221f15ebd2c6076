import { isBlankValue, isUsableValue, MOST_VARIABLE_VALUE, type PromptPolicy } from '@openward/contracts';
import type { PolicyFinding, SiteTerms } from './model.ts';

// `{{name}}` in the system prompt and in texts. Filled in once, in one pass: what a value contains is never read as a template.

const REFERENCE = /\{\{([A-Za-z][A-Za-z0-9]{0,31})\}\}/g;

/** The longest that a filled-in text may be, in UTF-16 units: four times what its template may be. */
const MOST_FILLED_PROMPT = 80_000;
const MOST_FILLED_TEXT = 16_000;

/** A text with its variables filled in. Throws where it names one that has no value, which `checkPolicy` refuses before. */
export const renderTemplate = (template: string, values: Readonly<Record<string, string>>): string =>
  template.replace(REFERENCE, (_whole, name: string) => {
    if (!Object.hasOwn(values, name)) throw new Error(`the variable ${name} has no value`);
    return values[name] ?? '';
  });

/**
 * What each variable stands for at a site: its own value where the policy lets it set one, else the default, which also holds where
 * the site's own cannot be told.
 */
export const variableValues = (
  { variables }: Pick<PromptPolicy, 'variables'>,
  site: SiteTerms['variables'],
): Record<string, string> =>
  Object.fromEntries(
    variables.map((it) => [
      it.name,
      it.setBySite && Object.hasOwn(site, it.name) ? usable(site[it.name], it.default) : it.default,
    ]),
  );

const usable = (own: string | undefined, standard: string): string =>
  own !== undefined && isUsableValue(own) ? own : standard;

/** What is wrong with the templates of a policy. Time is linear in its size. */
export function* templateFindings(policy: PromptPolicy): Generator<PolicyFinding> {
  yield* variableFindings(policy.variables);
  yield* findingsOf(policy, 'systemPrompt', policy.systemPrompt, MOST_FILLED_PROMPT, null);
  for (const [code, byLanguage] of Object.entries(policy.texts)) {
    for (const [language, text] of Object.entries(byLanguage))
      yield* findingsOf(policy, `texts.${code}.${language}`, text, MOST_FILLED_TEXT, code);
  }
  for (const [at, { action }] of policy.rules.entries()) {
    const put = action.does === 'redact' ? action.marker : action.does === 'replace' ? action.replacement : '';
    if (put.includes('{{')) {
      yield {
        code: 'templateInvalid',
        where: `rules[${at}].action`,
        message:
          'What stands in the place of a match is put there as it is: it names no variable, and may not contain {{.',
      };
    }
  }
}

/** A value is a plain text. One that comes back to its own variable is named as what it is. */
function* variableFindings(variables: PromptPolicy['variables']): Generator<PolicyFinding> {
  const names = new Map(variables.map((it) => [it.name, namesIn(it.default)]));
  for (const [at, { name, default: value }] of variables.entries()) {
    if (isBlankValue(value)) {
      yield {
        code: 'templateInvalid',
        where: `variables[${at}].default`,
        message: `The default of ${name} is empty, and a text that names it would have a hole there. Give one that can be read.`,
      };
      continue;
    }
    if (!value.includes('{{')) continue;
    const comesBack = reaches(name, names);
    yield {
      code: comesBack ? 'templateSelfReference' : 'templateInvalid',
      where: `variables[${at}].default`,
      message: comesBack
        ? `The variable ${name} names itself, at once or by way of others. A value is a plain text.`
        : `The value of ${name} contains {{. A value is a plain text, and names no variable.`,
    };
  }
}

const namesIn = (text: string): string[] => [...text.matchAll(REFERENCE)].map(([, name = '']) => name);

function reaches(start: string, names: ReadonlyMap<string, readonly string[]>): boolean {
  const seen = new Set<string>();
  const open = [...(names.get(start) ?? [])];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name === start) return true;
    if (seen.has(name)) continue;
    seen.add(name);
    open.push(...(names.get(name) ?? []));
  }
  return false;
}

function* findingsOf(
  { variables }: PromptPolicy,
  where: string,
  template: string,
  most: number,
  own: string | null,
): Generator<PolicyFinding> {
  if (!template.includes('{{')) return;
  const lengths = new Map(variables.map((it) => [it.name, it.setBySite ? MOST_VARIABLE_VALUE : it.default.length]));
  const unknown = new Set<string>();
  let length = template.length;
  for (const name of namesIn(template)) {
    const put = lengths.get(name);
    if (put === undefined) unknown.add(name);
    else length += put - name.length - 4;
  }
  for (const name of unknown) {
    yield name === own
      ? {
          code: 'templateSelfReference',
          where,
          message: `The text names itself: {{${name}}}. A text may name variables alone.`,
        }
      : {
          code: 'variableUnknown',
          where,
          message: `It names {{${name}}}, which is not among the policy's variables.`,
        };
  }
  if (template.replace(REFERENCE, '').includes('{{')) {
    yield {
      code: 'templateInvalid',
      where,
      message: 'It contains {{ that names no variable. Write {{name}}: letters and digits, no blanks.',
    };
  }
  if (length > most) {
    yield {
      code: 'templateInvalid',
      where,
      message: `Filled in, it can have ${length} characters, of which ${most} are allowed. Name long variables less often.`,
    };
  }
}
