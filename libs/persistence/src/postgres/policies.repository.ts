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

/** A release that so many nodes serve, and when its policy expires. */
export interface EndingPolicy {
  readonly service: Name;
  readonly release: number;
  readonly policy: string;
  readonly expires: string;
  readonly nodes: number;
}

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

  /** The policies with an end under which nodes serve, the one that ends first in front. A revoked node serves nobody here. */
  async ending(): Promise<readonly EndingPolicy[]> {
    return (await ending.execute(this.#db)).rows;
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

// Releases are counted before they are read: their documents are large, and many nodes serve the same.
const ending = sql<EndingPolicy>`
  with served as (
    select service ->> 'active' as digest, count(*)::integer as nodes
    from node_states
    join nodes on nodes.name = node_states.node and nodes.revoked_at is null,
      jsonb_array_elements(node_states.body -> 'services') as service
    group by 1
  )
  select releases.service, releases.number as release, served.nodes, document -> 'policy' ->> 'expires' as expires,
    concat(document -> 'policy' ->> 'id', '@', document -> 'policy' ->> 'revision') as policy
  from served join releases on releases.digest = served.digest
  where document -> 'policy' ->> 'expires' is not null
  order by expires, releases.service, releases.number`;

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
