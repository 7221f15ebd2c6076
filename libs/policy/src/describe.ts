import {
  isUsableValue,
  type PolicyRule,
  type PromptPolicy,
  type RuleAction,
  type RuleMatch,
} from '@openward/contracts';
import type { SiteTerms } from './model.ts';
import { inQuotes, visible, visiblePattern } from './visible.ts';

// What a hospital reads before it consents: everything that the policy does, and nothing that it does not. A policy comes from
// elsewhere, so no text of it can begin a line of its own here, or hide a part of itself.

/**
 * Lines of plain text, each with its end. Patterns and phrases stand there as they are written. `terms` are those of the site that
 * reads it, whose own values stand then where they apply; null: no site reads it.
 */
export function describePolicy(policy: PromptPolicy, terms: SiteTerms | null): string {
  const lines = [
    `Prompt policy ${policy.id}, revision ${policy.revision}: ${visible(policy.description)}`,
    `For ${modelsOf(policy)}, in ${policy.languages.join(', ')}, and agents of protocol ${policy.minProtocol} or newer. ${timeOf(policy)}`,
    '',
    'Before each conversation the model is told:',
    ...quoted(policy.systemPrompt),
    ...section(
      'Words that stand in these texts',
      policy.variables.map((it) => variableOf(it, terms)),
    ),
    ...section('What an application may set', parametersOf(policy)),
    ...section(
      'Rules, in this order',
      policy.rules.length === 0 ? [] : [...READ_FOLDED, ...policy.rules.flatMap((rule, at) => ruleOf(rule, at, terms))],
      'There are none: requests and replies pass as they are.',
    ),
    ...section('Texts that stand in for a reply, or with one', textsOf(policy)),
    ...section('Notices', noticesOf(policy)),
    ...section('What the log of a request may say of the policy', [logOf(policy)]),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function section(title: string, lines: readonly string[], none?: string): string[] {
  if (lines.length > 0) return ['', `${title}:`, ...lines.map((line) => `  ${line}`)];
  return none === undefined ? [] : ['', `${title}:`, `  ${none}`];
}

/** A text of several lines, each behind a mark. */
const quoted = (text: string): string[] =>
  text === '' ? ['  (nothing)'] : text.split('\n').map((line) => (line === '' ? '  |' : `  | ${shown(line)}`));

/** A blank at its end would not be seen. */
const shown = (line: string): string =>
  visible(line).replace(/[ \u00A0\u202F]$/, (blank) =>
    blank === ' ' ? '\\u{20}' : blank === '\u00A0' ? '\\u{A0}' : '\\u{202F}',
  );

const modelsOf = ({ models }: PromptPolicy): string =>
  models.length === 0
    ? 'any model'
    : models.map((it) => (it.versions === null ? it.name : `${it.name} ${it.versions.join(', ')}`)).join('; ');

const timeOf = ({ notBefore, expires }: PromptPolicy): string =>
  [
    notBefore === null ? '' : `Not activated before ${notBefore}.`,
    expires === null
      ? 'It does not expire.'
      : `It expires on ${expires}; you are warned for 30 days, and then it goes on, or the fallback text is given, as you have chosen.`,
  ]
    .filter(Boolean)
    .join(' ');

function variableOf(it: PromptPolicy['variables'][number], terms: SiteTerms | null): string {
  const own = it.setBySite ? ownValue(it.name, terms) : null;
  const standard = inQuotes(it.default);
  // What the author says of it stands last: nothing after it could be taken for ours.
  const about = visible(it.description).replace(/\.$/, '');
  if (own !== null)
    return `{{${it.name}}}: ${inQuotes(own)}, as you have set it; without yours ${standard}. For: ${about}`;
  return `{{${it.name}}}: ${standard}; ${it.setBySite ? 'you can set your own' : 'a site cannot set it'}. For: ${about}`;
}

const ownValue = (name: string, terms: SiteTerms | null): string | null => {
  if (terms === null || !Object.hasOwn(terms.variables, name)) return null;
  const own = terms.variables[name] ?? '';
  return isUsableValue(own) ? own : null;
};

function parametersOf({ parameters, clientSystem, controlCharacters }: PromptPolicy): string[] {
  return [
    ...parameters.map((rule) => {
      switch (rule.kind) {
        case 'locked':
          return `${rule.field}: the release’s value stands, whatever the application sends.`;
        case 'bounded':
          return `${rule.field}: from ${rule.min} to ${rule.max}; what is beyond is moved to the nearest.`;
        case 'denied':
          return `${rule.field}: a request that has it is refused.`;
      }
    }),
    clientSystem === 'demote'
      ? 'A system message of its own: it is read as a part of what the user says.'
      : 'A system message of its own: the request is refused.',
    controlCharacters === 'refuse'
      ? 'Control characters: the request is refused.'
      : 'Control characters: they are taken out.',
  ];
}

/** What runs is made from the pattern: a person has to know what else it finds. */
const READ_FOLDED = [
  'Patterns and phrases stand as they are written. They and every text are read in folded form:',
  'accents, wide letters, look-alikes of Latin letters and marks that are not seen tell nothing apart.',
];

function ruleOf(rule: PolicyRule, at: number, terms: SiteTerms | null): string[] {
  const stage = rule.stage === 'input' ? 'what is asked' : 'the reply';
  const mode =
    rule.mode === 'shadow'
      ? 'in shadow: it is counted here, and nothing else happens'
      : `fails closed where it takes longer than ${rule.timeLimitMs} ms`;
  return [
    `${at + 1}. ${rule.id}: ${visible(rule.description)}`,
    `   looks in ${stage} for ${lookedFor(rule.match, terms)}`,
    ...detailsOf(rule.match).map((line) => `     ${line}`),
    `   ${actionOf(rule.action, rule.match)}`,
    `   ${mode}`,
  ];
}

const IDENTIFIERS = {
  email: 'e-mail addresses',
  phone: 'phone numbers',
  cardNumber: 'card numbers',
  dateOfBirth: 'dates of birth',
  nationalId: 'national identifiers',
  recordNumber: 'medical record numbers',
} as const;

function recordNumbersOf(terms: SiteTerms | null): string {
  if (terms === null) return 'by the pattern that each site gives';
  if (terms.recordNumber === null) return 'of which you have given no pattern: it finds nothing';
  return `by your pattern ${visiblePattern(terms.recordNumber)}`;
}

function lookedFor(match: RuleMatch, terms: SiteTerms | null): string {
  switch (match.kind) {
    case 'regex':
      return `this pattern (RE2${match.ignoreCase ? ', capitals or not' : ''}):`;
    case 'identifier':
      return match.identifier === 'recordNumber'
        ? `${IDENTIFIERS.recordNumber}, ${recordNumbersOf(terms)}`
        : IDENTIFIERS[match.identifier];
    case 'topic':
      return 'these words and phrases, capitals or not:';
    case 'schema':
      return 'anything that is not JSON of this schema:';
    case 'length':
      return `more than ${match.most} characters`;
  }
}

function detailsOf(match: RuleMatch): string[] {
  switch (match.kind) {
    case 'regex':
      return [visiblePattern(match.pattern)];
    case 'topic':
      return Object.entries(match.phrases).map(
        ([language, phrases]) => `${visible(language)}: ${phrases.map(inQuotes).join(', ')}`,
      );
    case 'schema':
      return JSON.stringify(match.schema, null, 2).split('\n').map(visible);
    case 'identifier':
    case 'length':
      return [];
  }
}

function actionOf(action: RuleAction, match: RuleMatch): string {
  switch (action.does) {
    case 'block':
      return `blocks: the text “${action.text}” is the whole reply`;
    case 'redact':
      if (match.kind === 'length') return `ends it at a sentence, with ${inQuotes(action.marker)} after it`;
      return match.kind === 'identifier' && match.identifier === 'dateOfBirth'
        ? `redacts: an age stands in its place, or ${inQuotes(action.marker)}`
        : `redacts: ${inQuotes(action.marker)} stands in its place`;
    case 'replace':
      return `replaces: ${inQuotes(action.replacement)} stands in its place`;
    case 'annotate':
      return 'annotates: a note beside the reply names the rule; nothing is changed';
    case 'escalate':
      return `escalates: the text “${action.text}” stands first, and the reply follows`;
  }
}

const textsOf = ({ texts }: PromptPolicy): string[] =>
  Object.entries(texts).flatMap(([code, byLanguage]) =>
    Object.entries(byLanguage).flatMap(([language, text]) => [`${code} (${visible(language)}):`, ...quoted(text)]),
  );

function noticesOf({ notices, disclaimer }: PromptPolicy): string[] {
  const places = {
    text: 'in the text of the reply: emergencies before it, the disclaimer after it',
    header: 'in a header beside the reply',
    field: `in the field ${notices.place === 'field' ? notices.field : ''} of the reply`,
  };
  return [
    `They stand ${places[notices.place]}.`,
    disclaimer === null ? 'There is no disclaimer.' : `Each reply carries the text “${disclaimer}”.`,
  ];
}

const LOGGED = { action: 'what was done', ruleIds: 'which rules matched', language: 'in which language' } as const;

const logOf = ({ log }: PromptPolicy): string =>
  `${log.length === 0 ? 'Nothing' : log.map((it) => LOGGED[it]).join('; ')}. Beside it stands, always, that a rule could not be applied. Never a text.`;
