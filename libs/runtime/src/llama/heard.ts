import { z } from 'zod';

import { MOST_MARK_LENGTH, MOST_MARKS } from './marks.ts';
import type { Say } from './wire.ts';

const id = z.int().nonnegative();
const count = z.int().nonnegative();
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);

const saidSchema = z.discriminatedUnion('say', [
  z.object({ say: z.literal('text'), id, text: z.string() }),
  z.object({
    say: z.literal('end'),
    id,
    end: z.object({ finishReason: z.enum(['stop', 'length']), promptTokens: count, completionTokens: count }),
  }),
  z.object({ say: z.literal('counted'), id, tokens: count }),
  z.object({ say: z.literal('done'), id }),
  z.object({
    say: z.literal('opened'),
    id,
    beginning: z.object({ bos: z.string().exactOptional() }),
    marks: z.array(z.string().min(2).max(MOST_MARK_LENGTH)).max(MOST_MARKS),
  }),
  z.object({
    say: z.literal('loaded'),
    id,
    models: z.array(
      z.object({
        key: z.string(),
        base: digest,
        adapter: digest.exactOptional(),
        memoryBytes: z.number().nonnegative(),
      }),
    ),
  }),
  z.object({
    say: z.literal('refused'),
    id,
    code: z.enum([
      'modelNotLoadable',
      'modelNotLoaded',
      'contextTooLong',
      'invalidRequest',
      'digestMismatch',
      'aborted',
      'runtimeFailed',
    ]),
    reason: z.string(),
  }),
  z.object({ say: z.literal('ready'), version: z.string() }),
  z.object({ say: z.literal('cannotStart'), reason: z.string() }),
]);

/** What the child said, or nothing where it does not speak the language: then it is not to be talked to any more. */
export function heard(message: unknown): Say | undefined {
  const parsed = saidSchema.safeParse(message);
  return parsed.success ? parsed.data : undefined;
}
