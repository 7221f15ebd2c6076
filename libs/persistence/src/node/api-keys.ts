import type { DatabaseSync } from 'node:sqlite';

export interface ApiKey {
  readonly id: string;
  readonly application: string;
  readonly createdAt: number;
  readonly revokedAt: number | null;
}

/** Keys of the site's applications: stored as SHA-256 of a random key, so that the store gives none away. */
export class SqliteApiKeys {
  readonly #database: DatabaseSync;
  #byDigest: ReadonlyMap<string, string> | null = null;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  add(id: string, digest: string, application: string, at: number): void {
    this.#database
      .prepare('INSERT INTO api_keys (id, digest, application, created_at) VALUES (?, ?, ?, ?)')
      .run(id, digest, application, at);
    this.#byDigest = null;
  }

  /** False when there is no such key. */
  revoke(id: string, at: number): boolean {
    this.#byDigest = null;
    return (
      this.#database.prepare('UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL').run(at, id)
        .changes === 1
    );
  }

  list(): readonly ApiKey[] {
    const rows = this.#database
      .prepare('SELECT id, application, created_at, revoked_at FROM api_keys ORDER BY created_at, id')
      .all() as {
      id: string;
      application: string;
      created_at: number;
      revoked_at: number | null;
    }[];
    return rows.map((row) => ({
      id: row.id,
      application: row.application,
      createdAt: row.created_at,
      revokedAt: row.revoked_at,
    }));
  }

  /** Asked for each request, so the answer is kept in memory. */
  idOf(digest: string): string | null {
    this.#byDigest ??= new Map(
      (
        this.#database.prepare('SELECT digest, id FROM api_keys WHERE revoked_at IS NULL').all() as {
          digest: string;
          id: string;
        }[]
      ).map((row) => [row.digest, row.id]),
    );
    return this.#byDigest.get(digest) ?? null;
  }
}
