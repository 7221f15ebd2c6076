import type { PolicyRule, PromptPolicy } from '@openward/contracts';
import type { PolicyFinding } from './model.ts';

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
