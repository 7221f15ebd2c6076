import type { ArtifactRef, Digest, Name, Page, PageQuery, SuiteDocument, SuiteView } from '@openward/contracts';
import { sql } from 'kysely';
import { writeArtifact } from './artifacts.repository.ts';
import { writeAudit } from './audit.repository.ts';
import { inTransaction, instantOf, json, type Database } from './database.ts';
import { numberCursor, pageOf } from './paging.ts';

export interface StoredSuite {
  readonly digest: Digest;
  /** Its canonical form, as nodes fetch it. */
  readonly artifact: ArtifactRef;
  readonly document: SuiteDocument;
}

export type SuiteCreated =
  /** `same`: it was there with this digest, and nothing was written. */
  | { readonly kind: 'created' | 'same'; readonly suite: SuiteView }
  | { readonly kind: 'versionExists' | 'unknownService' };

export class SuiteRepository {
  readonly #db: Database;
  constructor(db: Database) {
    this.#db = db;
  }

  /** Its chunks are all stored by now (D1). */
  async create({ digest, artifact, document }: StoredSuite, by: string): Promise<SuiteCreated> {
    return inTransaction(this.#db, async (trx) => {
      const { name, version, service } = document;
      const known = await trx.selectFrom('services').where('name', '=', service).select('name').executeTakeFirst();
      if (known === undefined) return { kind: 'unknownService' };
      const { numInsertedOrUpdatedRows } = await trx
        .insertInto('suites')
        .values({ name, version, service, digest, artifact: json(artifact), document: json(document) })
        .onConflict((conflict) => conflict.columns(['name', 'version']).doNothing())
        .executeTakeFirstOrThrow();
      const isNew = numInsertedOrUpdatedRows === 1n;
      if (isNew) {
        await writeArtifact(trx, artifact, 'document');
        const subject = `suite:${name}@${version}`;
        await writeAudit(trx, [{ actor: by, action: 'suiteCreated', subject, details: { digest, service } }]);
      }
      const row = await selectViews(trx)
        .where('name', '=', name)
        .where('version', '=', version)
        .executeTakeFirstOrThrow();
      if (row.digest !== digest) return { kind: 'versionExists' };
      return { kind: isNew ? 'created' : 'same', suite: viewOf(row) };
    });
  }

  async find(name: Name, version: number): Promise<StoredSuite | null> {
    const row = await this.#db
      .selectFrom('suites')
      .where('name', '=', name)
      .where('version', '=', version)
      .select(['digest', 'artifact', 'document'])
      .executeTakeFirst();
    return row ?? null;
  }

  async findByDigest(digest: Digest): Promise<StoredSuite | null> {
    const row = await this.#db
      .selectFrom('suites')
      .where('digest', '=', digest)
      .select(['digest', 'artifact', 'document'])
      .executeTakeFirst();
    return row ?? null;
  }

  /** By name, the newest version first. */
  async list(query: PageQuery, of: { readonly service?: Name } = {}): Promise<Page<SuiteView>> {
    let select = selectViews(this.#db)
      .orderBy('name')
      .orderBy('version', 'desc')
      .limit(query.limit + 1);
    if (of.service !== undefined) select = select.where('service', '=', of.service);
    if (query.after !== undefined) {
      const [name = '', version = ''] = query.after.split('@');
      select = select.where(sql<boolean>`(name, -version) > (${name}, ${-numberCursor(version, 0)}::bigint)`);
    }
    return pageOf(await select.execute(), query, (row) => `${row.name}@${row.version}`, viewOf);
  }
}

/** Items are counted by the database: a list does not carry ten thousand of them. */
const selectViews = (db: Database) =>
  db
    .selectFrom('suites')
    .select([
      'name',
      'version',
      'service',
      'digest',
      'created_at',
      sql<number>`jsonb_array_length(document -> 'items')`.as('items'),
      sql<boolean>`document -> 'gates' @> '[{"set": "own"}]'`.as('reads_site_data'),
    ]);

type Row = Awaited<ReturnType<ReturnType<typeof selectViews>['execute']>>[number];

const viewOf = (row: Row): SuiteView => ({
  name: row.name,
  version: row.version,
  service: row.service,
  digest: row.digest,
  items: row.items,
  readsSiteData: row.reads_site_data,
  createdAt: instantOf(row.created_at),
});
