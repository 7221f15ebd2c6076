import type { DatabaseSync } from 'node:sqlite';
import type { Digest, LedgerHead } from '@openward/contracts';
import { EMPTY_LEDGER, type LedgerRow, type LedgerStore, type QueuedReport } from '@openward/privacy';
import { inTransaction } from './database.ts';

const NEWEST_REPORT = 'newestReport';

interface Row {
  readonly seq: number;
  readonly kind: LedgerRow['kind'];
  readonly subject: string;
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly head: Digest;
}

export class SqliteLedger implements LedgerStore {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  head(): Promise<LedgerHead> {
    const row = this.#database.prepare('SELECT seq, head FROM ledger ORDER BY seq DESC LIMIT 1').get() as
      | { seq: number; head: Digest }
      | undefined;
    return Promise.resolve(row === undefined ? EMPTY_LEDGER : { seq: row.seq, head: row.head });
  }

  append(row: LedgerRow): Promise<void> {
    this.#insert(row);
    return Promise.resolve();
  }

  appendReport(row: LedgerRow, seq: number): Promise<void> {
    inTransaction(this.#database, () => {
      this.#insert(row);
      this.#database.prepare('INSERT INTO outbox (seq, ledger_seq) VALUES (?, ?)').run(seq, row.seq);
      this.#database
        .prepare(
          'INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
        )
        .run(NEWEST_REPORT, seq);
    });
    return Promise.resolve();
  }

  newestReport(): Promise<number> {
    const row = this.#database.prepare('SELECT value FROM counters WHERE name = ?').get(NEWEST_REPORT) as
      | { value: number }
      | undefined;
    return Promise.resolve(row?.value ?? 0);
  }

  queued(limit: number): Promise<readonly QueuedReport[]> {
    const rows = this.#database
      .prepare(
        'SELECT outbox.seq, bytes FROM outbox JOIN ledger ON ledger.seq = ledger_seq ORDER BY outbox.seq LIMIT ?',
      )
      .all(limit) as { seq: number; bytes: Uint8Array }[];
    return Promise.resolve(rows.map(({ seq, bytes }) => ({ seq, frame: bytes })));
  }

  acknowledge(through: number): Promise<void> {
    this.#database.prepare('DELETE FROM outbox WHERE seq <= ?').run(through);
    return Promise.resolve();
  }

  /** Rows from `after` on, oldest first, for hospital IT: exactly what left. */
  rows(after: number, limit: number): readonly LedgerRow[] {
    return this.#database
      .prepare('SELECT seq, kind, subject, bytes, at, head FROM ledger WHERE seq > ? ORDER BY seq LIMIT ?')
      .all(after, limit) as unknown as Row[];
  }

  headAt(seq: number): Digest | null {
    const row = this.#database.prepare('SELECT head FROM ledger WHERE seq = ?').get(seq) as
      | { head: Digest }
      | undefined;
    return row?.head ?? null;
  }

  countByKind(): Readonly<Record<string, { readonly rows: number; readonly bytes: number }>> {
    const rows = this.#database
      .prepare('SELECT kind, count(*) AS rows, sum(length(bytes)) AS bytes FROM ledger GROUP BY kind ORDER BY kind')
      .all() as { kind: string; rows: number; bytes: number }[];
    return Object.fromEntries(rows.map(({ kind, rows: count, bytes }) => [kind, { rows: count, bytes }]));
  }

  #insert({ seq, kind, subject, bytes, at, head }: LedgerRow): void {
    this.#database
      .prepare('INSERT INTO ledger (seq, kind, subject, bytes, at, head) VALUES (?, ?, ?, ?, ?, ?)')
      .run(seq, kind, subject, bytes, at, head);
  }
}
