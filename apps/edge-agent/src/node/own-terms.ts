import type { PromptPolicy } from '@openward/contracts';
import { type PolicyFinding, readsTerms, type SiteTerms, visible } from '@openward/policy';
import type { JudgePolicy } from '@openward/policy-check';

// A policy that runs with its own defaults can be refused for what a site has set: its form of record numbers hits a dose, or is slow;
// its value of a variable makes a text too long. Then it is not the policy that is to blame, and people here can mend it.

const PATTERN = 'record-number';
const VARIABLE = 'variable';
/** Characters of a value that stand in a place; its length stands beside them. */
const MOST_SHOWN = 60;

/** Where a finding says which of a site's own words it is, and what it was then: it may be another by now. */
const patternAt = (pattern: string): string => `${PATTERN} ${visible(pattern)}`;
const variableAt = (name: string, value: string): string =>
  `${VARIABLE} ${name} “${visible(value.slice(0, MOST_SHOWN))}” (${value.length})`;

interface OwnWord {
  readonly where: string;
  readonly what: string;
  readonly mend: string;
}

const patternOf = ({ recordNumber }: SiteTerms): OwnWord[] =>
  recordNumber === null
    ? []
    : [
        {
          where: patternAt(recordNumber),
          what: 'own pattern of record numbers',
          mend: 'Give a narrower one (openward node policy record-number PATTERN)',
        },
      ];

const variablesOf = (names: readonly string[], { variables }: SiteTerms): OwnWord[] =>
  names.map((name) => ({
    where: variableAt(name, variables[name] ?? ''),
    what: `own value of ${name}`,
    mend: `Give a shorter or plainer one (openward node policy set ${name} VALUE, or --default)`,
  }));

/** Where a refused policy would run without some of the site's own words, those are named before what was found. */
export async function attributed(
  judge: JudgePolicy,
  policy: PromptPolicy,
  terms: SiteTerms,
  found: readonly PolicyFinding[],
): Promise<readonly PolicyFinding[]> {
  if (!readsTerms(policy, terms)) return found;
  const set = policy.variables.filter(({ name, setBySite }) => setBySite && Object.hasOwn(terms.variables, name));
  const variables = variablesOf(
    set.map(({ name }) => name),
    terms,
  );
  const pattern = patternOf(terms);
  const runsWith = async (others: Partial<SiteTerms>): Promise<boolean> =>
    (await judge(policy, { ...terms, ...others })).kind === 'ok';
  if (pattern.length > 0 && (await runsWith({ recordNumber: null }))) return [...named(pattern), ...found];
  if (variables.length > 0 && (await runsWith({ variables: {} }))) return [...named(variables), ...found];
  const both = pattern.length > 0 && variables.length > 0 && (await runsWith({ recordNumber: null, variables: {} }));
  return both ? [...named([...pattern, ...variables]), ...found] : found;
}

const named = (words: readonly OwnWord[]): PolicyFinding[] =>
  words.map(({ where, what, mend }) => ({
    code: 'siteTermInvalid',
    where,
    message:
      `This site’s ${what} is why${words.length > 1 ? ', with its other own words' : ''}: without ${words.length > 1 ? 'them' : 'it'} the ` +
      `policy would run here. ${mend}, or ask the policy’s author to change what is named next.`,
  }));

/** Whether a refusal that was kept hangs on the site's own words, which, and whether they are still those. */
export type OwnWordsIn =
  | { readonly kind: 'none' }
  | { readonly kind: 'standing' | 'changed'; readonly what: string; readonly commands: readonly string[] };

export function ownWordsIn(
  findings: readonly { readonly code: string; readonly where: string }[],
  terms: SiteTerms,
): OwnWordsIn {
  const places = findings.flatMap(({ code, where }) => {
    const [kind = '', name = ''] = where.split(' ');
    if (code !== 'siteTermInvalid') return [];
    return kind === PATTERN || kind === VARIABLE ? [{ where, variable: kind === VARIABLE ? name : null }] : [];
  });
  if (places.length === 0) return { kind: 'none' };
  const now = [...patternOf(terms), ...variablesOf(Object.keys(terms.variables), terms)].map(({ where }) => where);
  return {
    kind: places.every(({ where }) => now.includes(where)) ? 'standing' : 'changed',
    what: places
      .map(({ variable }) => (variable === null ? 'own pattern of record numbers' : `own value of ${variable}`))
      .join(' and '),
    commands: places.map(({ variable }) =>
      variable === null
        ? 'openward node policy record-number, with a narrower form'
        : `openward node policy set ${variable}, with a shorter or plainer value`,
    ),
  };
}
