import { z } from 'zod';

/** Where every path of the REST interface begins. */
export const API = '/api/v1';

/** Every list pages: `after` is the `next` of the page before. */
export const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  after: z.string().max(200).optional(),
});
export type PageQuery = z.infer<typeof PageQuery>;

export const page = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), next: z.string().nullable() });

export interface Page<T> {
  readonly items: readonly T[];
  /** Null on the last page. */
  readonly next: string | null;
}

/** Each creating POST carries it; the same key with the same body gives the first answer again (R9). */
export const IDEMPOTENCY_HEADER = 'idempotency-key';

/** It answers, and what it needs is there. */
export const Health = z.object({ status: z.literal('ok') });
export type Health = z.infer<typeof Health>;

/** The number of an epoch that was opened (D6). */
export const Epoch = z.object({ epoch: z.int() });
export type Epoch = z.infer<typeof Epoch>;

export const Reason = z.strictObject({ reason: z.string().min(1).max(500) });
export type Reason = z.infer<typeof Reason>;
