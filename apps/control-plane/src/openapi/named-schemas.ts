import * as contracts from '@openward/contracts';
import { z } from 'zod';
import { toldBy } from '../http/checked.ts';

type Io = 'input' | 'output';
type JsonSchema = Record<string, unknown>;

/**
 * A schema as OpenAPI has it, with a reference for each object and union that the contracts name: a client that is made from the
 * document has types with names. Null for what is no schema of ours.
 */
export function convertNamed(
  given: unknown,
  io: Io,
): { readonly schema: JsonSchema; readonly components: Record<string, JsonSchema> } | null {
  const schema = toldBy(given);
  if (schema === null) return null;
  const { definitions = {}, $schema: _draft, ...rest } = jsonSchemaOf(schema, io, NAMES[io]);
  return { schema: rest, components: definitions as Record<string, JsonSchema> };
}

const jsonSchemaOf = (schema: z.ZodType, io: Io, names?: Names): JsonSchema =>
  z.toJSONSchema(schema, { target: 'openapi-3.0', io, ...(names && { metadata: names }) });

type Names = z.core.$ZodRegistry<{ id: string }>;

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  const later = Number(a.startsWith('Create')) - Number(b.startsWith('Create'));
  return later === 0 ? (a < b ? -1 : 1) : later;
}

/**
 * What a request may leave out is always there in an answer, and an answer says no more than its schema. A schema for which that
 * makes a difference has two names.
 */
const NAMES: Readonly<Record<Io, Names>> = { input: z.registry(), output: z.registry() };
for (const [name, schema] of Object.entries(contracts).toSorted(byName)) {
  if (!(schema instanceof z.ZodObject || schema instanceof z.ZodDiscriminatedUnion)) continue;
  // One schema under two names, as `PromptPolicy` and `CreatePolicy`, goes by what it is and not by what is done with it.
  if (NAMES.output.has(schema)) continue;
  const isSame = JSON.stringify(jsonSchemaOf(schema, 'input')) === JSON.stringify(jsonSchemaOf(schema, 'output'));
  const description = schema.description === undefined ? {} : { description: schema.description };
  NAMES.output.add(schema, { id: name, ...description });
  NAMES.input.add(schema, { id: isSame ? name : `${name}Input`, ...description });
}
