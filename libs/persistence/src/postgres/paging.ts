import type { Page, PageQuery } from '@openward/contracts';

/** Ask for `limit + 1` rows: the one too many says that there is another page, which begins after the last one shown. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  query: PageQuery,
  cursor: (row: Row) => string | number,
  item: (row: Row) => Item,
): Page<Item> {
  const shown = rows.slice(0, query.limit);
  const last = rows.length > query.limit ? shown.at(-1) : undefined;
  return { items: shown.map(item), next: last === undefined ? null : String(cursor(last)) };
}

/** A cursor that is a number; one that is not, as when somebody made it up, finds nothing after it. */
export const numberCursor = (after: string, otherwise: number): number =>
  /^\d{1,15}$/.test(after) ? Number(after) : otherwise;
