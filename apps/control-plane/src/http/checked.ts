import { StandardSchemaValidationPipe, type ArgumentMetadata } from '@nestjs/common';
import { Refusal, wordsOfIssue } from '@openward/contracts';
import { z } from 'zod';

type Segment = PropertyKey | { readonly key: PropertyKey };

const pathOf = (path: readonly Segment[] | undefined): string =>
  (path ?? []).map((segment) => String(typeof segment === 'object' ? segment.key : segment)).join('.');

const MOST_TOLD = 20;

class Faults extends Error {
  readonly lines: readonly { readonly field: string; readonly words: string }[];
  constructor(issues: readonly StandardIssue[]) {
    super('the input is not as its schema says');
    this.lines = issues.slice(0, MOST_TOLD).map((issue) => ({ field: pathOf(issue.path), words: wordsOf(issue) }));
  }
}

interface StandardIssue {
  readonly message: string;
  readonly path?: readonly Segment[] | undefined;
}

/** Every schema of ours is zod's, whose issues say more than the standard asks for. */
const wordsOf = (issue: StandardIssue): string =>
  'code' in issue ? wordsOfIssue(issue as z.core.$ZodIssue) : issue.message;

/** Bodies, queries and parameters against their schemas; the refusal names each field, what may stand there, and an example. */
class CheckedInput extends StandardSchemaValidationPipe {
  constructor() {
    super({ exceptionFactory: (issues) => new Faults(issues) });
  }

  override async transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    try {
      return await super.transform(value, metadata);
    } catch (error) {
      if (!(error instanceof Faults)) throw error;
      // A parameter has a name of its own, and no path within it.
      const own = metadata.data ?? (metadata.type === 'body' ? 'the body' : metadata.type);
      const lines = error.lines.map(({ field, words }) => `${field === '' ? own : field}: ${words}`);
      throw new Refusal('badRequest', `The request is not as it should be: ${lines.join('; ')}.`, { details: lines });
    }
  }
}

export const checkedInput = (): StandardSchemaValidationPipe => new CheckedInput();

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
