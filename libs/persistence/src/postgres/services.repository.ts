import type { Name, Page, PageQuery, Service, ServiceView } from '@openward/contracts';
import type { Selectable } from 'kysely';
import { writeAudit } from './audit.repository.ts';
import { inTransaction, instantOf, json, type Database } from './database.ts';
import { pageOf } from './paging.ts';
import type { ServiceTable } from './schema.ts';

export class ServiceRepository {
  readonly #db: Database;
  constructor(db: Database) {
    this.#db = db;
  }

  /** False where the name is taken; nothing is written then. */
  async create(service: Service, by: string): Promise<boolean> {
    return inTransaction(this.#db, async (trx) => {
      const { name } = service;
      const { numInsertedOrUpdatedRows } = await trx
        .insertInto('services')
        .values({ name, document: json(service) })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows !== 1n) return false;
      await writeAudit(trx, [{ actor: by, action: 'serviceCreated', subject: `service:${name}`, details: service }]);
      return true;
    });
  }

  async find(name: Name): Promise<ServiceView | null> {
    const row = await this.#db.selectFrom('services').selectAll().where('name', '=', name).executeTakeFirst();
    return row === undefined ? null : viewOf(row);
  }

  async list(query: PageQuery): Promise<Page<ServiceView>> {
    let select = this.#db
      .selectFrom('services')
      .selectAll()
      .orderBy('name')
      .limit(query.limit + 1);
    if (query.after !== undefined) select = select.where('name', '>', query.after);
    return pageOf(await select.execute(), query, (row) => row.name, viewOf);
  }
}

/** Numbers have no gap, so the newest one is how many there are. */
const viewOf = (row: Selectable<ServiceTable>): ServiceView => ({
  ...row.document,
  createdAt: instantOf(row.created_at),
  releases: row.last_number,
});
