import { Ajv } from 'ajv';
import type { PolicyFindingCode } from './model.ts';

// A closed part of JSON Schema: what tells the form of a reply, and nothing that can cost more than the reply is long or point
// outside of itself. No pattern, no reference, no choice between schemas.

const MOST_DEPTH = 8;
const MOST_NODES = 500;

const TYPES = new Set(['object', 'array', 'string', 'number', 'integer', 'boolean', 'null']);
const isCount = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0;
const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isScalar = (value: unknown): boolean => value === null || ['string', 'number', 'boolean'].includes(typeof value);

const KEYWORDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  type: (value) =>
    Array.isArray(value)
      ? value.length > 0 && new Set(value).size === value.length && value.every((it) => TYPES.has(it as string))
      : TYPES.has(value as string),
  properties: isObject,
  required: (value) =>
    Array.isArray(value) && value.every((it) => typeof it === 'string') && new Set(value).size === value.length,
  additionalProperties: (value) => typeof value === 'boolean' || isObject(value),
  enum: (value) =>
    Array.isArray(value) && value.length > 0 && value.every(isScalar) && new Set(value).size === value.length,
  const: isScalar,
  items: isObject,
  minItems: isCount,
  maxItems: isCount,
  minimum: isNumber,
  maximum: isNumber,
  minLength: isCount,
  maxLength: isCount,
  description: (value) => typeof value === 'string',
};

export type CompiledSchema =
  | { readonly kind: 'ok'; readonly isHit: (text: string) => boolean }
  | { readonly kind: 'refused'; readonly code: PolicyFindingCode; readonly path: string; readonly message: string };

interface Place {
  readonly schema: Record<string, unknown>;
  readonly path: string;
  readonly depth: number;
}

/** A text is a hit where it is no JSON, or none of this form. */
export function compileSchema(schema: Record<string, unknown>): CompiledSchema {
  const wrong = whatIsWrong(schema);
  if (wrong) return wrong;
  try {
    const fits = new Ajv({ strict: false, logger: false, addUsedSchema: false }).compile(structuredClone(schema));
    return {
      kind: 'ok',
      isHit: (text) => {
        try {
          return !fits(JSON.parse(text));
        } catch {
          return true;
        }
      },
    };
  } catch (error) {
    return unsupported('', error instanceof Error ? error.message : String(error));
  }
}

function whatIsWrong(schema: Record<string, unknown>): CompiledSchema | null {
  let nodes = 0;
  const open: Place[] = [{ schema, path: '', depth: 1 }];
  for (let place = open.pop(); place; place = open.pop()) {
    const { path, depth } = place;
    if (depth > MOST_DEPTH) return tooLarge(path, `It is nested deeper than ${MOST_DEPTH} levels.`);
    for (const [keyword, value] of Object.entries(place.schema)) {
      const holds = Object.hasOwn(KEYWORDS, keyword) ? KEYWORDS[keyword] : undefined;
      if (!holds) {
        return unsupported(`${path}.${keyword}`, `${keyword} is not among the words that a schema may use: ${WORDS}.`);
      }
      if (!holds(value)) return unsupported(`${path}.${keyword}`, `${keyword} has a value that it cannot have.`);
      nodes += 1 + (Array.isArray(value) ? value.length : 0);
      if (keyword === 'items' || (keyword === 'additionalProperties' && isObject(value))) {
        open.push({ schema: value as Record<string, unknown>, path: `${path}.${keyword}`, depth: depth + 1 });
      }
      if (keyword !== 'properties') continue;
      for (const [name, property] of Object.entries(value as object)) {
        const at = `${path}.properties.${name}`;
        if (!isObject(property)) return unsupported(at, 'A property is described by an object.');
        open.push({ schema: property, path: at, depth: depth + 1 });
        nodes += 1;
      }
    }
    if (nodes > MOST_NODES) return tooLarge(path, `It has more than ${MOST_NODES} parts.`);
  }
  return null;
}

const WORDS = Object.keys(KEYWORDS).join(', ');

const unsupported = (path: string, message: string): CompiledSchema => ({
  kind: 'refused',
  code: 'schemaUnsupported',
  path,
  message,
});
const tooLarge = (path: string, message: string): CompiledSchema => ({
  kind: 'refused',
  code: 'schemaTooLarge',
  path,
  message,
});
