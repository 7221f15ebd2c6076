import type { PolicyRule, PromptPolicy } from '@openward/contracts';
import { NO_SITE_TERMS, type PolicyFinding, type SiteTerms } from './model.ts';
import { renderTexts } from './texts.ts';

/** All notices of one reply, percent-encoded: clients and proxies refuse headers that are longer than 8 to 16 kB in all. */
export const MOST_NOTICE_BYTES = 5_000;

const encoded = (text: string): string => encodeURIComponent(text.toWellFormed());

/**
 * Notices that could not stand in headers together: the last of them would be cut, and an escalation is never suppressed. With the
 * values of variables as they are at the site.
 */
export function* noticeLengthFindings(
  policy: PromptPolicy,
  terms: SiteTerms = NO_SITE_TERMS,
): Generator<PolicyFinding> {
  if (policy.notices.place !== 'header') return;
  const { texts, findings } = renderTexts(policy, terms);
  if (findings.length > 0) return;
  const codes = policy.rules.flatMap(({ action, mode }) =>
    mode === 'enforce' && action.does === 'escalate' ? [action.text] : [],
  );
  if (policy.disclaimer !== null) codes.push(policy.disclaimer);
  for (const language of policy.languages) {
    const each = new Set(codes.map((code) => texts.of(code, language)));
    const bytes = [...each].reduce((sum, text) => sum + encoded(text).length, 0);
    if (bytes <= MOST_NOTICE_BYTES) continue;
    yield {
      code: 'tooLarge',
      where: 'notices',
      message:
        `Its escalations and its disclaimer in ${language} have ${bytes} bytes together, percent-encoded; a header has room for ` +
        `${MOST_NOTICE_BYTES}. Shorten them, let rules share a text, or put notices in the text.`,
    };
  }
}

/**
 * Where notices (escalations and the disclaimer) would break what a schema promises. A schema rule that blocks is the only one that
 * makes every reply JSON, so a field for notices needs one.
 */
export function* noticeFindings({ rules, notices, disclaimer }: PromptPolicy): Generator<PolicyFinding> {
  const hasNotices = disclaimer !== null || rules.some((it) => it.mode === 'enforce' && it.action.does === 'escalate');
  if (!hasNotices) return;
  const schemas = rules.filter((it) => it.match.kind === 'schema' && it.mode === 'enforce');
  if (notices.place === 'text' && schemas.length > 0) {
    yield {
      code: 'noticeBreaksSchema',
      where: 'notices',
      message: `A notice in the text would break the schema of ${listed(schemas)}. Put notices in a field or a header.`,
    };
  }
  if (notices.place !== 'field') return;
  if (!schemas.some((it) => it.action.does === 'block')) {
    yield {
      code: 'noticeBreaksSchema',
      where: 'notices',
      message: 'Notices go to a field, and no schema rule that blocks makes each reply an object that could have one.',
    };
  }
  for (const [at, rule] of rules.entries()) {
    if (rule.match.kind !== 'schema' || rule.mode !== 'enforce') continue;
    const why = cannotHold(rule.match.schema, notices.field);
    if (why !== null) yield { code: 'noticeBreaksSchema', where: `rules[${at}].match.schema`, message: why };
  }
}

const listed = (rules: readonly PolicyRule[]): string => rules.map(({ id }) => id).join(', ');

function cannotHold(schema: Readonly<Record<string, unknown>>, field: string): string | null {
  if (schema['type'] !== 'object')
    return 'Notices go to a field, and the schema does not say that a reply is an object.';
  const properties = schema['properties'];
  const isThere = typeof properties === 'object' && properties !== null && Object.hasOwn(properties, field);
  if (!isThere) {
    return schema['additionalProperties'] === false
      ? `Notices go to the field ${field}, which the schema does not allow. Name it among its properties.`
      : null;
  }
  const of = (properties as Record<string, unknown>)[field];
  const keys = typeof of === 'object' && of !== null ? Object.keys(of) : [];
  const isText =
    keys.every((key) => key === 'type' || key === 'description') && (of as { type?: unknown }).type === 'string';
  return isText ? null : `Notices go to the field ${field}, which must be any text: {"type": "string"}.`;
}
