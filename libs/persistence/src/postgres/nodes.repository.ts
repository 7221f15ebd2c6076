import type { Digest, LedgerHead, Name, NodeView, Page, PageQuery } from '@openward/contracts';
import { sql } from 'kysely';
import { writeAudit } from './audit.repository.ts';
import { clock, clockIn, inTransaction, type Database } from './database.ts';
import { enrolNode, type Enrolled, type Enrolment } from './enrol.ts';
import { nodeViewOf, selectNodes } from './node-view.ts';
import { notify } from './notify.ts';
import { pageOf } from './paging.ts';

/** What the checks of a node's seal and the minting of its credentials need. */
export interface NodeRecord {
  readonly name: Name;
  readonly site: Name;
  /** 1 at first; it rises by one each time that a revoked node enrols anew. */
  readonly enrolment: number;
  readonly identityKey: string;
  readonly controlKey: string;
  readonly bulkKey: string;
  readonly revoked: boolean;
  readonly ackedThrough: number;
  readonly newestSeq: number;
  readonly newestLedger: LedgerHead | null;
}

export interface RevokedKey {
  readonly key: string;
  /** Seconds since 1970, rounded up: what was issued by then is void. */
  readonly at: number;
}

const DAY_MS = 86_400_000;
const RENEWALS_KEPT = 10_000;
/** Each stands in the account's claims until it has ended, once the node is revoked; beyond these a node makes a pair every ten minutes. */
const KEYS_AT_WILL = 128;
const BETWEEN_RENEWALS_MS = 600_000;

/** Never for good: a node whose renewals get lost on the way is let in again. */
async function renewsTooOften(trx: Database, node: Name): Promise<boolean> {
  const { rows } = await sql<{ tooOften: boolean }>`
    select (select count(*) from node_keys where node = ${node}) > ${KEYS_AT_WILL}
      and exists (select from node_renewals where node = ${node} and at > ${clockIn(-BETWEEN_RENEWALS_MS)})
      as "tooOften"`.execute(trx);
  return rows[0]?.tooOften === true;
}

export class NodeRepository {
  readonly #db: Database;
  constructor(db: Database) {
    this.#db = db;
  }

  /** K2, in one transaction: the token is used up and the node is there, or nothing is written. */
  async enrol(secretDigest: Digest, enrolment: Enrolment): Promise<Enrolled> {
    return inTransaction(this.#db, (trx) => enrolNode(trx, secretDigest, enrolment));
  }

  async find(name: Name): Promise<NodeRecord | null> {
    const row = await this.#db.selectFrom('nodes').where('name', '=', name).selectAll().executeTakeFirst();
    if (row === undefined) return null;
    return {
      name: row.name,
      site: row.site,
      enrolment: row.enrolment,
      identityKey: row.identity_key,
      controlKey: row.control_key,
      bulkKey: row.bulk_key,
      revoked: row.revoked_at !== null,
      ackedThrough: row.acked_through,
      newestSeq: row.newest_seq,
      newestLedger: row.newest_ledger,
    };
  }

  /** D4; null where the node is unknown or revoked. */
  async ackedThrough(name: Name): Promise<number | null> {
    const row = await this.#db
      .selectFrom('nodes')
      .where('name', '=', name)
      .where('revoked_at', 'is', null)
      .select('acked_through')
      .executeTakeFirst();
    return row?.acked_through ?? null;
  }

  async view(name: Name): Promise<NodeView | null> {
    const row = await selectNodes(this.#db).where('nodes.name', '=', name).executeTakeFirst();
    return row === undefined ? null : nodeViewOf(row);
  }

  async list(query: PageQuery, of: { readonly site?: Name } = {}): Promise<Page<NodeView>> {
    let select = selectNodes(this.#db)
      .orderBy('nodes.name')
      .limit(query.limit + 1);
    if (query.after !== undefined) select = select.where('nodes.name', '>', query.after);
    if (of.site !== undefined) select = select.where('nodes.site', '=', of.site);
    return pageOf(await select.execute(), query, (row) => row.name, nodeViewOf);
  }

  /**
   * K1, K3: the keys that its credentials are made for; those of before are kept until they end. `replayed`: the nonce was
   * used before; `tooOften`: it holds many keys that have not ended, and has made the newest a moment ago. Then nothing is written.
   */
  async renewed(
    name: Name,
    asked: { readonly control: string; readonly bulk: string; readonly until: Date; readonly nonce: string },
  ): Promise<'renewed' | 'replayed' | 'tooOften' | 'revoked'> {
    return inTransaction(this.#db, async (trx) => {
      const isEnrolled = (await new NodeRepository(trx).ackedThrough(name)) !== null;
      if (!isEnrolled) return 'revoked';
      if (await renewsTooOften(trx, name)) return 'tooOften';
      const { numInsertedOrUpdatedRows } = await trx
        .insertInto('node_renewals')
        .values({ node: name, nonce: asked.nonce })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows !== 1n) return 'replayed';
      const { numUpdatedRows } = await trx
        .updateTable('nodes')
        .set({ control_key: asked.control, bulk_key: asked.bulk, credentials_until: asked.until })
        .where('name', '=', name)
        .where('revoked_at', 'is', null)
        .executeTakeFirstOrThrow();
      return numUpdatedRows === 1n ? 'renewed' : 'revoked';
    });
  }

  /** Its reports are refused from now on, and every key that it may still hold credentials for is among `revokedKeys`. False where it was not enrolled. */
  async revoke(name: Name, by: string, reason: string): Promise<boolean> {
    return inTransaction(this.#db, async (trx) => {
      const row = await trx
        .updateTable('nodes')
        .set({ revoked_at: clock })
        .where('name', '=', name)
        .where('revoked_at', 'is', null)
        .returning('newest_seq')
        .executeTakeFirst();
      if (row === undefined) return false;
      await trx
        .insertInto('revoked_keys')
        .columns(['key', 'node'])
        .expression(trx.selectFrom('node_keys').where('node', '=', name).select(['key', 'node']))
        .onConflict((conflict) => conflict.column('key').doUpdateSet({ revoked_at: clock }))
        .execute();
      await trx.deleteFrom('outbox').where('node', '=', name).execute();
      await writeAudit(trx, [{ actor: by, action: 'nodeRevoked', subject: `node:${name}`, details: { reason } }]);
      await notify(trx, [{ type: 'node', id: name, version: row.newest_seq }]);
      return true;
    });
  }

  /**
   * Of each node the newest nonces stay: more than it can have used up in ten years, and whoever holds no key of the node
   * cannot push one out. How many went.
   */
  async pruneRenewals(): Promise<number> {
    const { numAffectedRows = 0n } = await sql`
      delete from node_renewals using (
        select node, nonce, row_number() over (partition by node order by at desc) as place from node_renewals
      ) as placed
      where placed.node = node_renewals.node and placed.nonce = node_renewals.nonce and placed.place > ${RENEWALS_KEPT}`.execute(
      this.#db,
    );
    return Number(numAffectedRows);
  }

  /** Keys whose last credentials have ended, a day ago at least: clocks differ. How many. */
  async pruneKeys(): Promise<number> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('node_keys')
      .where('valid_until', '<', clockIn(-DAY_MS))
      .executeTakeFirstOrThrow();
    return Number(numDeletedRows);
  }

  /** Every NATS key that was ever revoked, for the account's claims (D5). */
  async revokedKeys(): Promise<readonly RevokedKey[]> {
    const rows = await this.#db.selectFrom('revoked_keys').select(['key', 'revoked_at']).orderBy('key').execute();
    return rows.map((row) => ({ key: row.key, at: Math.ceil(row.revoked_at.getTime() / 1000) }));
  }
}
