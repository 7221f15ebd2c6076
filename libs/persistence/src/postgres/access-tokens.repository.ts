import type { Digest, Me, Name, Page, PageQuery, Role } from '@openward/contracts';
import { writeAudit } from './audit.repository.ts';
import { clock, clockIn, inTransaction, instantOf, type Database } from './database.ts';
import { pageOf } from './paging.ts';

export interface NewAccessToken {
  readonly name: Name;
  readonly role: Role;
  /** SHA-256 of the token; the token itself is never stored. */
  readonly digest: Digest;
  readonly lifetimeMs: number;
}

export interface AccessTokenView {
  readonly name: Name;
  readonly role: Role;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly revokedAt: string | null;
}

export class AccessTokenRepository {
  readonly #db: Database;
  constructor(db: Database) {
    this.#db = db;
  }

  /** Null where a token of this name is alive; one that expired or was revoked gives up its name. */
  async create(token: NewAccessToken, by: string): Promise<{ readonly expiresAt: string } | null> {
    return inTransaction(this.#db, async (trx) => {
      const { name, role, digest, lifetimeMs } = token;
      const values = { role, digest, expires_at: clockIn(lifetimeMs) };
      const row = await trx
        .insertInto('access_tokens')
        .values({ name, ...values })
        .onConflict((conflict) =>
          conflict
            .column('name')
            .doUpdateSet({ ...values, created_at: clock, revoked_at: null })
            .where((eb) =>
              eb.or([eb('access_tokens.expires_at', '<=', clock), eb('access_tokens.revoked_at', 'is not', null)]),
            ),
        )
        .returning('expires_at')
        .executeTakeFirst();
      if (row === undefined) return null;
      const expiresAt = instantOf(row.expires_at);
      const details = { role, expiresAt };
      await writeAudit(trx, [{ actor: by, action: 'accessTokenCreated', subject: `token:${name}`, details }]);
      return { expiresAt };
    });
  }

  /** Whose token this is; null where it is unknown, expired or revoked. */
  async find(digest: Digest): Promise<Me | null> {
    const row = await this.#db
      .selectFrom('access_tokens')
      .where('digest', '=', digest)
      .where('expires_at', '>', clock)
      .where('revoked_at', 'is', null)
      .select(['name', 'role'])
      .executeTakeFirst();
    return row ?? null;
  }

  /** False where no token of this name is alive. */
  async revoke(name: Name, by: string): Promise<boolean> {
    return inTransaction(this.#db, async (trx) => {
      const { numUpdatedRows } = await trx
        .updateTable('access_tokens')
        .set({ revoked_at: clock })
        .where('name', '=', name)
        .where('revoked_at', 'is', null)
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) return false;
      await writeAudit(trx, [{ actor: by, action: 'accessTokenRevoked', subject: `token:${name}` }]);
      return true;
    });
  }

  async list(query: PageQuery): Promise<Page<AccessTokenView>> {
    let select = this.#db
      .selectFrom('access_tokens')
      .select(['name', 'role', 'created_at', 'expires_at', 'revoked_at'])
      .orderBy('name')
      .limit(query.limit + 1);
    if (query.after !== undefined) select = select.where('name', '>', query.after);
    return pageOf(
      await select.execute(),
      query,
      (row) => row.name,
      (row) => ({
        name: row.name,
        role: row.role,
        createdAt: instantOf(row.created_at),
        expiresAt: instantOf(row.expires_at),
        revokedAt: row.revoked_at === null ? null : instantOf(row.revoked_at),
      }),
    );
  }
}
