import type { EvidenceBody, Name, Page, PageQuery, Plan, Report, RolloutId } from '@openward/contracts';
import type { RolloutState } from '@openward/rollout';
import { sql } from 'kysely';
import { clockIn, clockMs, instantOf, type Database } from './database.ts';
import { numberCursor, pageOf } from './paging.ts';

/** What `viewOf` of `@openward/rollout` needs. */
export interface StoredRollout {
  readonly state: RolloutState;
  readonly version: number;
  /** The database's clock when it was read, in milliseconds since 1970. */
  readonly now: number;
}

export interface StoredEvidence {
  readonly assignment: string;
  readonly node: Name;
  readonly at: string;
  readonly evidence: EvidenceBody;
}

const hasEnded = sql<boolean>`state -> 'life' ->> 'kind' in ('completed', 'aborted', 'rolledBack')`;

/** Reading rollouts; only `RolloutStore` writes them. */
export class RolloutRepository {
  readonly #db: Database;
  constructor(db: Database) {
    this.#db = db;
  }

  async find(id: RolloutId): Promise<StoredRollout | null> {
    const row = await this.#select().where('id', '=', id).executeTakeFirst();
    return row === undefined ? null : { state: row.state, version: row.version, now: row.now };
  }

  /** The newest first. `open`: it may still tell some node something; `ended`: it has come to an end, which an open one may have. */
  async list(
    query: PageQuery,
    of: { readonly service?: Name; readonly open?: boolean; readonly ended?: boolean } = {},
  ): Promise<Page<StoredRollout>> {
    let select = this.#select()
      .orderBy('position', 'desc')
      .limit(query.limit + 1);
    if (of.service !== undefined) select = select.where('service', '=', of.service);
    if (of.open !== undefined) select = select.where('open', '=', of.open);
    if (of.ended !== undefined) select = select.where(hasEnded, '=', of.ended);
    if (query.after !== undefined) select = select.where('position', '<', numberCursor(query.after, 0));
    return pageOf(
      await select.execute(),
      query,
      (row) => row.position,
      ({ state, version, now }) => ({ state, version, now }),
    );
  }

  /** The plan as it runs; null where there is no such rollout. */
  async plan(id: RolloutId): Promise<Plan | null> {
    const row = await this.#db
      .selectFrom('rollouts')
      .where('id', '=', id)
      .select(sql<Plan>`state -> 'plan'`.as('plan'))
      .executeTakeFirst();
    return row?.plan ?? null;
  }

  /** The newest evidence of each of its assignments, every attempt. */
  async evidence(id: RolloutId): Promise<readonly StoredEvidence[]> {
    const rows = await this.#db
      .selectFrom('evidence')
      .where('assignment', '>=', `${id}.`)
      .where('assignment', '<', `${id}/`)
      .where(sql<boolean>`split_part(assignment, '.', 2) = node`)
      .orderBy('assignment')
      .select(['assignment', 'node', 'stored_at', 'body'])
      .execute();
    return rows.map(({ assignment, node, stored_at: at, body }) => ({
      assignment,
      node,
      at: instantOf(at),
      evidence: body,
    }));
  }

  /** Rows of reports that are acknowledged and older than this go; what each node said last is kept elsewhere. How many. */
  async pruneReports(olderThanMs: number): Promise<number> {
    const { numAffectedRows = 0n } = await sql<Report>`
      delete from reports using nodes
      where nodes.name = reports.node and reports.stored_at < ${clockIn(-olderThanMs)}
        and (reports.enrolment < nodes.enrolment or reports.seq <= nodes.acked_through)`.execute(this.#db);
    return Number(numAffectedRows);
  }

  /** Marks that a report left while its rollout closed: nothing else looks at them again. How many. */
  async pruneMarks(): Promise<number> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('rollout_marks')
      .using('rollouts')
      .whereRef('rollouts.id', '=', 'rollout_marks.rollout')
      .where('rollouts.open', '=', false)
      .executeTakeFirstOrThrow();
    return Number(numDeletedRows);
  }

  #select() {
    return this.#db.selectFrom('rollouts').select(['position', 'state', 'version', clockMs.as('now')]);
  }
}
