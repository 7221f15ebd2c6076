import {
  digestOf,
  type Name,
  type Page,
  type PageQuery,
  type PolicyRef,
  type PolicyView,
  type PromptPolicy,
  type WholePolicy,
} from '@openward/contracts';
import { sql } from 'kysely';
import { writeAudit } from './audit.repository.ts';
import { inTransaction, instantOf, json, type Database } from './database.ts';
import { numberCursor, pageOf } from './paging.ts';

export type PolicyCreated =
  /** `same`: the revision was there with these very bytes, and nothing was written. */
  | { readonly kind: 'created' | 'same'; readonly policy: PolicyView }
  /** `differs`: the revision is there, with other bytes. `older`: it is not, and a newer one is. */
  | { readonly kind: 'differs' | 'older'; readonly newest: number };

export class PolicyRepository {
  readonly #db: Database;
  constructor(db: Database) {
    this.#db = db;
  }

  /** Revisions only grow, whichever replica registers them. The document has been judged by now. */
  async create(document: PromptPolicy, by: string): Promise<PolicyCreated> {
    const { id, revision } = document;
    const digest = digestOf(document);
    return inTransaction(this.#db, async (trx) => {
      await trx
        .insertInto('policies')
        .values({ id, newest: 0 })
        .onConflict((conflict) => conflict.column('id').doNothing())
        .execute();
      const { newest } = await trx
        .selectFrom('policies')
        .where('id', '=', id)
        .select('newest')
        .forUpdate()
        .executeTakeFirstOrThrow();
      const there = await selectViews(trx).where('id', '=', id).where('revision', '=', revision).executeTakeFirst();
      if (there !== undefined) {
        return there.digest === digest ? { kind: 'same', policy: viewOf(there) } : { kind: 'differs', newest };
      }
      if (revision < newest) return { kind: 'older', newest };
      await trx
        .insertInto('policy_revisions')
        .values({ id, revision, digest, document: json(document), created_by: by })
        .execute();
      await trx.updateTable('policies').set({ newest: revision }).where('id', '=', id).execute();
      const subject = `policy:${id}@${revision}`;
      await writeAudit(trx, [{ actor: by, action: 'policyCreated', subject, details: { digest } }]);
      const row = await selectViews(trx)
        .where('id', '=', id)
        .where('revision', '=', revision)
        .executeTakeFirstOrThrow();
      return { kind: 'created', policy: viewOf(row) };
    });
  }

  async find({ id, revision }: PolicyRef): Promise<WholePolicy | null> {
    const row = await selectViews(this.#db)
      .where('id', '=', id)
      .where('revision', '=', revision)
      .select('document')
      .executeTakeFirst();
    return row === undefined ? null : { ...viewOf(row), document: row.document };
  }

  /** By id, the newest revision first. */
  async list(query: PageQuery, of: { readonly id?: Name } = {}): Promise<Page<PolicyView>> {
    let select = selectViews(this.#db)
      .orderBy('id')
      .orderBy('revision', 'desc')
      .limit(query.limit + 1);
    if (of.id !== undefined) select = select.where('id', '=', of.id);
    if (query.after !== undefined) {
      const [id = '', revision = ''] = query.after.split('@');
      select = select.where(sql<boolean>`(id, -revision) > (${id}, ${-numberCursor(revision, 0)}::bigint)`);
    }
    return pageOf(await select.execute(), query, (row) => `${row.id}@${row.revision}`, viewOf);
  }
}

/** What a list shows is taken out by the database: it does not carry whole policies. */
const selectViews = (db: Database) =>
  db
    .selectFrom('policy_revisions')
    .select([
      'id',
      'revision',
      'digest',
      'created_at',
      'created_by',
      sql<string>`document ->> 'description'`.as('description'),
      sql<string[]>`document -> 'languages'`.as('languages'),
      sql<number>`jsonb_array_length(document -> 'rules')`.as('rules'),
      sql<number>`jsonb_array_length(document -> 'tests')`.as('tests'),
      sql<string | null>`document ->> 'notBefore'`.as('not_before'),
      sql<string | null>`document ->> 'expires'`.as('expires'),
    ]);

type Row = Awaited<ReturnType<ReturnType<typeof selectViews>['execute']>>[number];

const viewOf = (row: Row): PolicyView => ({
  id: row.id,
  revision: row.revision,
  digest: row.digest,
  description: row.description,
  languages: row.languages,
  rules: row.rules,
  tests: row.tests,
  notBefore: row.not_before,
  expires: row.expires,
  createdAt: instantOf(row.created_at),
  createdBy: row.created_by,
});
