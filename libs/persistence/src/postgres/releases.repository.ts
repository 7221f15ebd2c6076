import {
  digestOf,
  type ArtifactRef,
  type Digest,
  type Name,
  type Page,
  type PageQuery,
  type Release,
  type ChangeClass,
  type ReleaseRow,
  type ReleaseView,
  type RolloutId,
} from '@openward/contracts';
import type { Told } from '@openward/rollout';
import { sql, type Selectable, type Transaction } from 'kysely';
import { writeArtifact } from './artifacts.repository.ts';
import { writeAudit } from './audit.repository.ts';
import { clock, inTransaction, instantOf, json, type Database } from './database.ts';
import { raiseGenerations } from './desired.ts';
import { notify } from './notify.ts';
import { numberCursor, pageOf } from './paging.ts';
import { postgresRollouts } from './rollout-store.ts';
import type { ReleaseTable, Schema } from './schema.ts';

/**
 * The whole document for the number that it gets, and where its canonical form is stored. `before` is the release that
 * the rollout of the service that was completed last has brought to its nodes, where none has completed the newest; never a recalled
 * one, and null where there is none. Nobody makes another while the number is held.
 */
export type BuildRelease = (
  number: number,
  before: Release | null,
) => Promise<{ readonly document: Release; readonly artifact: ArtifactRef }>;

/**
 * What a recall does to the open rollouts of the release, on stores of the same transaction: none of them permits the release
 * any more once the recall is committed (R4).
 */
export type SettleRollouts = (trx: Transaction<Schema>, open: readonly RolloutId[]) => Promise<void>;

/** A node that serves a release, what it has besides, and what it was last told of that service. */
export interface Serving {
  readonly node: Name;
  readonly site: Name;
  readonly lastGood: Digest | null;
  readonly anchor: Digest | null;
  readonly told: (Told & { readonly rollbackTarget: Digest | null }) | null;
}

/** Which differ in parameters alone, or in variants that the model has got since. */
const MOST_BINDING = 20;

export class ReleaseRepository {
  readonly #db: Database;
  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * Numbered for each service without gap or race. `build` runs while the number is held, and may run again with another one:
   * what it stores elsewhere is named by digest. Null where there is no such service.
   */
  async create(service: Name, by: string, build: BuildRelease): Promise<ReleaseView | null> {
    return inTransaction(this.#db, async (trx) => {
      const row = await trx
        .updateTable('services')
        .set((eb) => ({ last_number: eb('last_number', '+', 1) }))
        .where('name', '=', service)
        .returning('last_number')
        .executeTakeFirst();
      if (row === undefined) return null;
      const number = row.last_number;
      const before = await selectBefore(trx, service).executeTakeFirst();
      const { document, artifact } = await build(number, before?.document ?? null);
      if (document.number !== number || document.service.name !== service) {
        throw new Error(`a document for release ${number} of ${service} says otherwise`);
      }
      return insert(trx, document, artifact, by);
    });
  }

  /**
   * Those of the service that bind these by name and are not recalled, the newest first. Until the transaction that this is called in
   * ends nobody makes another.
   */
  async binding(
    service: Name,
    { model, policy, suite }: Pick<ReleaseRow, 'model' | 'policy' | 'suite'>,
  ): Promise<readonly ReleaseView[]> {
    await this.#db.selectFrom('services').where('name', '=', service).select('name').forUpdate().execute();
    const rows = await this.#db
      .selectFrom('releases')
      .selectAll()
      .where('service', '=', service)
      .where('model_name', '=', model.name)
      .where('model_version', '=', model.version)
      .where(sql<string>`document -> 'policy' ->> 'id'`, '=', policy.id)
      .where(sql<number>`(document -> 'policy' ->> 'revision')::int`, '=', policy.revision)
      .where(sql<string>`document -> 'suite' ->> 'name'`, '=', suite.name)
      .where(sql<number>`(document -> 'suite' ->> 'version')::int`, '=', suite.version)
      .where('recalled_at', 'is', null)
      .orderBy('number', 'desc')
      .limit(MOST_BINDING)
      .execute();
    return rows.map(viewOf);
  }

  async find(service: Name, number: number): Promise<ReleaseView | null> {
    const row = await this.#db
      .selectFrom('releases')
      .selectAll()
      .where('service', '=', service)
      .where('number', '=', number)
      .executeTakeFirst();
    return row === undefined ? null : viewOf(row);
  }

  async findByDigest(digest: Digest): Promise<ReleaseView | null> {
    const row = await this.#db.selectFrom('releases').selectAll().where('digest', '=', digest).executeTakeFirst();
    return row === undefined ? null : viewOf(row);
  }

  /** The newest first. */
  async list(service: Name, query: PageQuery): Promise<Page<ReleaseRow>> {
    let select = selectRows(this.#db)
      .where('service', '=', service)
      .orderBy('number', 'desc')
      .limit(query.limit + 1);
    if (query.after !== undefined) select = select.where('number', '<', numberCursor(query.after, 0));
    return pageOf(await select.execute(), query, (row) => row.number, rowOf);
  }

  /** Every node's desired state names what is recalled, so each is told. `null`: no such release; the first recall stays. */
  async recall(
    digest: Digest,
    why: { readonly by: string; readonly reason: string },
    settle: SettleRollouts,
  ): Promise<ReleaseView | null> {
    return inTransaction(this.#db, async (trx) => {
      const row = await trx
        .updateTable('releases')
        .set({ recalled_at: clock, recalled_by: why.by, recalled_reason: why.reason })
        .where('digest', '=', digest)
        .where('recalled_at', 'is', null)
        .returningAll()
        .executeTakeFirst();
      if (row === undefined) return new ReleaseRepository(trx).findByDigest(digest);
      await settle(trx, await postgresRollouts(trx).openOf(digest));
      await raiseGenerations(trx, 'all');
      const subject = `release:${row.service}#${row.number}`;
      const details = { digest, reason: why.reason };
      await writeAudit(trx, [{ actor: why.by, action: 'releaseRecalled', subject, details }]);
      await notify(trx, [{ type: 'recall', id: digest, version: row.number }]);
      return viewOf(row);
    });
  }

  /** The nodes that serve it, as they last reported, with what they could go to. Revoked ones serve nobody of this network. */
  async servedBy(digest: Digest): Promise<readonly Serving[]> {
    const { rows } = await sql<Serving>`
      select nodes.name as node, nodes.site, one ->> 'lastGood' as "lastGood", one ->> 'anchor' as anchor,
        case when assignments.id is null then null else jsonb_build_object(
          'release', assignments.document -> 'release' -> 'digest',
          'rollbackTarget', assignments.document -> 'rollbackTarget',
          'phase', assignments.document -> 'phase') end as told
      from node_states
      join nodes on nodes.name = node_states.node and nodes.revoked_at is null
      cross join jsonb_array_elements(node_states.body -> 'services') as one
      left join assignments on assignments.node = nodes.name and assignments.service = one ->> 'service'
      where one ->> 'active' = ${digest}
      order by nodes.name`.execute(this.#db);
    return rows;
  }

  async recalled(): Promise<readonly Digest[]> {
    const rows = await this.#db
      .selectFrom('releases')
      .where('recalled_at', 'is not', null)
      .orderBy('digest')
      .select('digest')
      .execute();
    return rows.map((row) => row.digest);
  }
}

/**
 * What the rollout that was completed last has brought; of two that were completed at once, the one that was started later. A release
 * that was only made, or was stopped on its way, says nothing of what nodes run.
 */
const selectBefore = (trx: Database, service: Name) =>
  trx
    .selectFrom('releases')
    .where('releases.service', '=', service)
    .where('recalled_at', 'is', null)
    .leftJoin('rollouts', (join) =>
      join
        .onRef('rollouts.release', '=', 'releases.digest')
        .on(sql<boolean>`rollouts.state -> 'life' ->> 'kind' = 'completed'`),
    )
    .orderBy(sql`(rollouts.state -> 'life' ->> 'at')::numeric`, (order) => order.desc().nullsLast())
    .orderBy('rollouts.position', (order) => order.desc().nullsLast())
    .orderBy('releases.number', 'desc')
    .limit(1)
    .select('releases.document');

async function insert(
  trx: Transaction<Schema>,
  document: Release,
  artifact: ArtifactRef,
  by: string,
): Promise<ReleaseView> {
  const { number, model } = document;
  const service = document.service.name;
  const digest = digestOf(document);
  await writeArtifact(trx, artifact, 'document');
  const row = await trx
    .insertInto('releases')
    .values({
      digest,
      service,
      number,
      model_name: model.name,
      model_version: model.version,
      document: json(document),
      artifact: json(artifact),
      created_by: by,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  const subject = `release:${service}#${number}`;
  await writeAudit(trx, [{ actor: by, action: 'releaseCreated', subject, details: { digest } }]);
  await notify(trx, [{ type: 'release', id: digest, version: number }]);
  return viewOf(row);
}

/** What a list shows is taken out by the database: it does not carry whole documents. */
const selectRows = (db: Database) =>
  db
    .selectFrom('releases')
    .select([
      'digest',
      'service',
      'number',
      'model_name',
      'model_version',
      'created_at',
      'created_by',
      'recalled_at',
      'recalled_by',
      'recalled_reason',
      sql<ChangeClass>`document ->> 'change'`.as('change'),
      sql<string>`document -> 'policy' ->> 'id'`.as('policy_id'),
      sql<number>`(document -> 'policy' ->> 'revision')::int`.as('policy_revision'),
      sql<string>`document -> 'suite' ->> 'name'`.as('suite_name'),
      sql<number>`(document -> 'suite' ->> 'version')::int`.as('suite_version'),
    ]);

type Row = Awaited<ReturnType<ReturnType<typeof selectRows>['execute']>>[number];

const rowOf = (row: Row): ReleaseRow => ({
  digest: row.digest,
  service: row.service,
  number: row.number,
  change: row.change,
  model: { name: row.model_name, version: row.model_version },
  policy: { id: row.policy_id, revision: row.policy_revision },
  suite: { name: row.suite_name, version: row.suite_version },
  createdAt: instantOf(row.created_at),
  createdBy: row.created_by,
  recalled: recalledOf(row),
});

const viewOf = (row: Selectable<ReleaseTable>): ReleaseView => ({
  digest: row.digest,
  release: row.document,
  createdAt: instantOf(row.created_at),
  createdBy: row.created_by,
  recalled: recalledOf(row),
});

type RecallColumns = Pick<Selectable<ReleaseTable>, 'recalled_at' | 'recalled_by' | 'recalled_reason'>;
const recalledOf = ({
  recalled_at: at,
  recalled_by: by,
  recalled_reason: reason,
}: RecallColumns): ReleaseRow['recalled'] =>
  at === null || by === null || reason === null ? null : { at: instantOf(at), by, reason };
