import { describe, expect, it } from 'vitest';
import { compileSchema } from './schema-rule.ts';

const triage = {
  type: 'object',
  properties: {
    level: { enum: ['red', 'green'] },
    minutes: { type: 'integer', minimum: 0, maximum: 240 },
    reasons: { type: 'array', items: { type: 'string', minLength: 1, maxLength: 3 }, minItems: 1, maxItems: 2 },
  },
  required: ['level'],
  additionalProperties: false,
};
const isHit = (schema: Record<string, unknown>, text: string): boolean => {
  const compiled = compileSchema(schema);
  if (compiled.kind === 'refused') throw new Error(compiled.message);
  return compiled.isHit(text);
};

describe('a schema rule', () => {
  it.each(['{"level":"red"}', ' {"level":"green","minutes":0,"reasons":["äöü","😀😀😀"]}\n'])(
    'lets pass %s',
    (text) => {
      expect(isHit(triage, text)).toBe(false);
    },
  );

  it.each([
    '',
    'no',
    '```json\n{"level":"red"}\n```',
    '[]',
    'null',
    '{}',
    '{"level":"blue"}',
    '{"level":"red","other":1}',
    '{"level":"red","minutes":1.5}',
    '{"level":"red","minutes":241}',
    '{"level":"red","reasons":["four"]}',
    '{"level":"red","__proto__":{}}',
    '['.repeat(100_000),
  ])('hits %s', (text) => {
    expect(isHit(triage, text)).toBe(true);
  });

  const nested = (depth: number): Record<string, unknown> => (depth === 1 ? {} : { items: nested(depth - 1) });
  it.each<[string, Record<string, unknown>, string]>([
    ['$ref', { $ref: '#' }, 'schemaUnsupported'],
    ['pattern', { properties: { a: { pattern: '^(a+)+$' } } }, 'schemaUnsupported'],
    ['anyOf', { anyOf: [{}] }, 'schemaUnsupported'],
    ['format', { format: 'email' }, 'schemaUnsupported'],
    ['uniqueItems', { uniqueItems: true }, 'schemaUnsupported'],
    ['constructor', { constructor: {} }, 'schemaUnsupported'],
    ['a type that is none', { type: 'text' }, 'schemaUnsupported'],
    ['a bound that is none', { maxLength: -1 }, 'schemaUnsupported'],
    ['a property that is none', { properties: { a: true } }, 'schemaUnsupported'],
    ['nine levels', nested(9), 'schemaTooLarge'],
    ['501 values', { enum: Array.from({ length: 501 }, (_, at) => at) }, 'schemaTooLarge'],
  ])('is refused for %s', (_, schema, code) => {
    expect(compileSchema(schema)).toMatchObject({ kind: 'refused', code });
  });

  it('may have eight levels', () => {
    expect(compileSchema(nested(8)).kind).toBe('ok');
  });
});
