import type { Page } from '@openward/contracts';

/** What every list takes: at most 200 a page, and `next` of the page before. */
export interface Listing {
  readonly limit?: number | undefined;
  readonly after?: string | undefined;
}

/** Every item of a list, a page at a time: `eachOf((listing) => client.sites.list(listing))`. */
export async function* eachOf<T>(list: (listing: Listing) => Promise<Page<T>>, limit = 200): AsyncGenerator<T> {
  let after: string | undefined;
  do {
    const page: Page<T> = await list({ limit, after });
    yield* page.items;
    after = page.next ?? undefined;
  } while (after !== undefined);
}
