import { StandardSchemaValidationPipe } from '@nestjs/common';
import { Refusal } from '@openward/contracts';

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
