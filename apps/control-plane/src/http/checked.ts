import { StandardSchemaValidationPipe } from '@nestjs/common';
import { Refusal } from '@openward/contracts';
import { z } from 'zod';

type Segment = PropertyKey | { readonly key: PropertyKey };

const pathOf = (path: readonly Segment[] | undefined): string =>
  (path ?? []).map((segment) => String(typeof segment === 'object' ? segment.key : segment)).join('.');

/** Bodies, queries and parameters against their schemas; the refusal names each field. */
export const checkedInput = (): StandardSchemaValidationPipe =>
  new StandardSchemaValidationPipe({
    exceptionFactory: (issues) => {
      const lines = issues.slice(0, 20).map(({ path, message }) => {
        const field = pathOf(path);
        return field === '' ? message : `${field}: ${message}`;
      });
      return new Refusal('badRequest', `The request is not as it should be: ${lines.join('; ')}.`, { details: lines });
    },
  });

/** Told in the document of the interface, and not checked here: whoever takes the body judges it, and says more of what is wrong. */
export const toldOnly = (told: z.ZodType) => ({
  told,
  '~standard': { version: 1 as const, vendor: 'openward', validate: (value: unknown) => ({ value }) },
});

/** The schema that is to be told of a body, query, parameter or answer; null for what is none of ours. */
export function toldBy(schema: unknown): z.ZodType | null {
  const told = typeof schema === 'object' && schema !== null && 'told' in schema ? schema.told : schema;
  return told instanceof z.ZodType ? told : null;
}
