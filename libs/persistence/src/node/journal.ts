import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from './database.ts';

/**
 * The journal of the activation's machine (`Journal` of `@openward/activation`), for any JSON entry. What was appended is kept
 * in memory until `sync`, which writes it in one transaction: so the survivors of a crash are always a prefix.
 */
export class SqliteJournal<Entry extends { readonly kind: string }> {
  readonly #database: DatabaseSync;
  #unsynced: Entry[] = [];

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  append(entry: Entry): Promise<void> {
    this.#unsynced.push(entry);
    return Promise.resolve();
  }

  sync(): Promise<void> {
    const entries = this.#unsynced;
    this.#unsynced = [];
    if (entries.length > 0) inTransaction(this.#database, () => this.#write(entries));
    return Promise.resolve();
  }

  read(): Promise<readonly Entry[]> {
    const rows = this.#database.prepare('SELECT entry FROM journal ORDER BY id').all() as { entry: string }[];
    return Promise.resolve(rows.map(({ entry }) => JSON.parse(entry) as Entry));
  }

  #write(entries: readonly Entry[]): void {
    const insert = this.#database.prepare('INSERT INTO journal (entry, is_checkpoint) VALUES (?, ?)');
    for (const entry of entries) {
      const { lastInsertRowid } = insert.run(JSON.stringify(entry), entry.kind === 'checkpoint' ? 1 : 0);
      // What came before a checkpoint is in it.
      if (entry.kind === 'checkpoint') this.#database.prepare('DELETE FROM journal WHERE id < ?').run(lastInsertRowid);
    }
  }
}
