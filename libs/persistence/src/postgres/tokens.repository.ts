import type { Digest, Name, Page, PageQuery, TokenView } from '@openward/contracts';
import type { Transaction } from 'kysely';
import { writeAudit } from './audit.repository.ts';
import { clock, clockIn, inTransaction, instantOf, type Database } from './database.ts';
import { pageOf } from './paging.ts';
import type { Schema } from './schema.ts';

export interface NewToken {
  readonly id: string;
  readonly site: Name;
  /** SHA-256 of the secret; the secret itself is never stored. */
  readonly digest: Digest;
  readonly lifetimeMs: number;
}

export type TokenState =
  | { readonly kind: 'unused'; readonly id: string; readonly site: Name }
  | { readonly kind: 'used'; readonly id: string; readonly site: Name; readonly by: Name }
  | { readonly kind: 'expired' }
  | { readonly kind: 'unknown' };

/** Enrolment tokens (K2). `NodeRepository.enrol` uses one up. */
export class TokenRepository {
  readonly #db: Database;
  constructor(db: Database) {
    this.#db = db;
  }

  /** Null where there is no such site. */
  async create(token: NewToken, by: string): Promise<TokenView | null> {
    return inTransaction(this.#db, async (trx) => {
      const { id, site, digest, lifetimeMs } = token;
      const row = await trx
        .insertInto('enrolment_tokens')
        .columns(['id', 'site', 'digest', 'expires_at'])
        .expression((eb) =>
          eb
            .selectFrom('sites')
            .where('name', '=', site)
            .select([eb.val(id).as('id'), 'name', eb.val(digest).as('digest'), clockIn(lifetimeMs).as('expires_at')]),
        )
        .returningAll()
        .executeTakeFirst();
      if (row === undefined) return null;
      const expiresAt = instantOf(row.expires_at);
      const details = { token: id, expiresAt };
      await writeAudit(trx, [{ actor: by, action: 'tokenCreated', subject: `site:${site}`, details }]);
      return { id, site, createdAt: instantOf(row.created_at), expiresAt, usedBy: null, usedAt: null };
    });
  }

  async list(site: Name, query: PageQuery): Promise<Page<TokenView>> {
    let select = this.#db
      .selectFrom('enrolment_tokens')
      .where('site', '=', site)
      .selectAll()
      .orderBy('id')
      .limit(query.limit + 1);
    if (query.after !== undefined) select = select.where('id', '>', query.after);
    return pageOf(
      await select.execute(),
      query,
      (row) => row.id,
      (row) => ({
        id: row.id,
        site: row.site,
        createdAt: instantOf(row.created_at),
        expiresAt: instantOf(row.expires_at),
        usedBy: row.used_by,
        usedAt: row.used_at === null ? null : instantOf(row.used_at),
      }),
    );
  }
}

/** Locks the token, so that of two that bring it at once the second finds it used. */
export async function lockToken(trx: Transaction<Schema>, digest: Digest): Promise<TokenState> {
  const row = await trx
    .selectFrom('enrolment_tokens')
    .where('digest', '=', digest)
    .select((eb) => ['id', 'site', 'used_by', eb('expires_at', '<=', clock).as('is_expired')])
    .forUpdate()
    .executeTakeFirst();
  if (row === undefined) return { kind: 'unknown' };
  const { id, site, used_by: by } = row;
  if (by !== null) return { kind: 'used', id, site, by };
  return row.is_expired ? { kind: 'expired' } : { kind: 'unused', id, site };
}

export async function useToken(trx: Transaction<Schema>, id: string, node: Name): Promise<void> {
  await trx
    .updateTable('enrolment_tokens')
    .set({ used_by: node, used_at: clock })
    .where('id', '=', id)
    .where('used_by', 'is', null)
    .execute();
}
