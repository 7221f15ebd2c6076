import { GATEWAY_FIELDS, MESSAGE_FIELDS, PART_FIELDS, Refusal, type Field, type GatewayApi } from '@openward/contracts';
import { joinTurns, type PolicyMessage } from '@openward/policy';
import type { Turn } from './conversation.ts';

// Reads bodies by the one table (G1). Everything here throws a `Refusal` that names the field.

export type Body = Readonly<Record<string, unknown>>;

const bad = (message: string): Refusal => new Refusal('badRequest', message);
const isUnused = (field: Field, value: unknown): boolean =>
  value === undefined ||
  (Array.isArray(value) && value.length === 0) ||
  (field.unless ?? []).some((unused) => unused === value);

type Table = Readonly<Record<string, Field>>;

function checkAgainst(table: Table, body: Body, where: string): void {
  for (const name of Object.keys(body)) {
    const field = Object.hasOwn(table, name) ? table[name] : undefined;
    if (field === undefined) throw new Refusal('fieldRefused', `The field \`${where}${name}\` is not known here.`);
    if (field.rule === 'refused' && !isUnused(field, body[name]))
      throw new Refusal('fieldRefused', `The field \`${where}${name}\` is not supported.`);
  }
}

export function checkedBody(api: GatewayApi, body: unknown): Body {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw bad('The body is not a JSON object.');
  const object = body as Body;
  checkAgainst(GATEWAY_FIELDS[api], object, '');
  return object;
}

export function text(body: Body, name: string): string {
  const value = body[name];
  if (typeof value !== 'string' || value === '') throw bad(`\`${name}\` is a text.`);
  return value;
}

/** The empty text where it is absent. */
export function optionalText(body: Body, name: string): string {
  const value = body[name];
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw bad(`\`${name}\` is a text.`);
  return value;
}

export function optionalBoolean(body: Body, name: string, otherwise: boolean): boolean {
  const value = body[name];
  if (value === undefined || value === null) return otherwise;
  if (typeof value !== 'boolean') throw bad(`\`${name}\` is true or false.`);
  return value;
}

/** Null where it is absent, or below 1 in the way some clients write "no limit". */
export function optionalCount(body: Body, name: string): number | null {
  const value = body[name];
  if (value === undefined || value === null || value === -1 || value === -2) return null;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1)
    throw bad(`\`${name}\` is a whole number from 1.`);
  return value;
}

const MOST_STOPS = 8;

export function stops(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (list.length > MOST_STOPS) throw bad(`\`stop\` has at most ${MOST_STOPS} texts.`);
  return list.map((stop) => {
    if (typeof stop !== 'string' || stop === '' || stop.length > 100)
      throw bad('`stop` is a text, or a list of texts.');
    return stop;
  });
}

export function object(value: unknown, name: string): Body {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw bad(`\`${name}\` is an object.`);
  return value as Body;
}

/** A field that has fields of its own. */
export function checkedObject(table: Table, body: Body, name: string): Body {
  const inner = object(body[name], name);
  checkAgainst(table, inner, `${name}.`);
  return inner;
}

/** A policy may refuse a client's system text, so it is told whether there was one. */
export function turnsOf(messages: unknown): { readonly turns: Turn[]; readonly hasSystem: boolean } {
  if (!Array.isArray(messages) || messages.length === 0) throw bad('`messages` is a list with at least one message.');
  const read = messages.map((raw: unknown, index): PolicyMessage => {
    const message = object(raw, `messages[${index}]`);
    checkAgainst(MESSAGE_FIELDS, message, `messages[${index}].`);
    return { content: contentOf(message['content'], index), role: roleOf(message['role'], index) };
  });
  return { turns: joinTurns(read), hasSystem: read.some(({ role }) => role === 'system') };
}

function roleOf(role: unknown, index: number): PolicyMessage['role'] {
  switch (role) {
    case 'system':
    case 'developer':
      return 'system';
    case 'user':
    case 'assistant':
      return role;
    default:
      throw bad(`\`messages[${index}].role\` is one of system, developer, user and assistant.`);
  }
}

function contentOf(content: unknown, index: number): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) throw bad(`\`messages[${index}].content\` is a text or a list of parts.`);
  return content
    .map((raw, part) => {
      const where = `messages[${index}].content[${part}]`;
      const fields = object(raw, where);
      const { type, text: said } = fields;
      if (type !== 'text' || typeof said !== 'string')
        throw new Refusal('fieldRefused', `\`${where}\` is not of type text.`);
      checkAgainst(PART_FIELDS, fields, `${where}.`);
      return said;
    })
    .join('');
}
