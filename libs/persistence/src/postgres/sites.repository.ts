import type { Name, Page, PageQuery, SiteView } from '@openward/contracts';
import type { Selectable } from 'kysely';
import { writeAudit } from './audit.repository.ts';
import { inTransaction, instantOf, json, type Database } from './database.ts';
import { pageOf } from './paging.ts';
import type { SiteTable } from './schema.ts';

/** As `CreateSite` gives it, with its defaults. */
export type NewSite = Omit<SiteView, 'nodes' | 'createdAt'>;

export class SiteRepository {
  readonly #db: Database;
  constructor(db: Database) {
    this.#db = db;
  }

  /** False where the name is taken; nothing is written then. */
  async create(site: NewSite, by: string): Promise<boolean> {
    return inTransaction(this.#db, async (trx) => {
      const { name, tier, labels, languages, timeZone, linkBytesPerSecond } = site;
      const { numInsertedOrUpdatedRows } = await trx
        .insertInto('sites')
        .values({
          name,
          tier,
          labels: json(labels),
          languages: json(languages),
          time_zone: timeZone,
          link_bytes_per_second: linkBytesPerSecond,
        })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows !== 1n) return false;
      await writeAudit(trx, [{ actor: by, action: 'siteCreated', subject: `site:${name}`, details: site }]);
      return true;
    });
  }

  async find(name: Name): Promise<SiteView | null> {
    const row = await this.#select().where('sites.name', '=', name).executeTakeFirst();
    return row === undefined ? null : viewOf(row);
  }

  async list(query: PageQuery): Promise<Page<SiteView>> {
    let select = this.#select()
      .orderBy('sites.name')
      .limit(query.limit + 1);
    if (query.after !== undefined) select = select.where('sites.name', '>', query.after);
    return pageOf(await select.execute(), query, (row) => row.name, viewOf);
  }

  #select() {
    return this.#db
      .selectFrom('sites')
      .selectAll('sites')
      .select((eb) =>
        eb
          .selectFrom('nodes')
          .whereRef('nodes.site', '=', 'sites.name')
          .where('nodes.revoked_at', 'is', null)
          .select((count) => count.fn.countAll<number>().as('count'))
          .as('nodes'),
      );
  }
}

function viewOf(row: Selectable<SiteTable> & { readonly nodes: number | null }): SiteView {
  return {
    name: row.name,
    tier: row.tier,
    labels: row.labels,
    languages: row.languages,
    timeZone: row.time_zone,
    linkBytesPerSecond: row.link_bytes_per_second,
    nodes: row.nodes ?? 0,
    createdAt: instantOf(row.created_at),
  };
}
