import type { DatabaseSync } from 'node:sqlite';

/** Which policies were judged with the site's own words, and when: digests and wall time in milliseconds. They stay here. */
export interface KeptTermVerdict {
  readonly policy: string;
  readonly terms: string;
  readonly at: number;
}

const NAME = 'policyVerdicts';

/** One row, written whole; whoever writes it keeps it short. */
export class SqliteTermVerdicts {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  read(): readonly KeptTermVerdict[] {
    const row = this.#database.prepare('SELECT value FROM site_settings WHERE name = ?').get(NAME) as
      | { value: string }
      | undefined;
    return row === undefined ? [] : (JSON.parse(row.value) as KeptTermVerdict[]);
  }

  /** Durable when it returns. */
  write(verdicts: readonly KeptTermVerdict[]): void {
    this.#database
      .prepare(
        'INSERT INTO site_settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
      )
      .run(NAME, JSON.stringify(verdicts));
  }
}
