import type { DatabaseSync } from 'node:sqlite';
import type { Digest, LedgerHead } from '@openward/contracts';
import { EMPTY_LEDGER, type LedgerRow, type LedgerStore, type QueuedReport } from '@openward/privacy';
import { asRows, inTransaction } from './database.ts';

const NEWEST_REPORT = 'newestReport';

interface Row {
  readonly seq: number;
  readonly kind: LedgerRow['kind'];
  readonly subject: string;
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly head: Digest;
}

export interface RestoreAcknowledgement {
  readonly alarm: 'behind' | 'forked';
  /** A person's own words; they stay here. */
  readonly reason: string;
  /** What the network had accepted last. */
  readonly accepted: LedgerHead | null;
  readonly raisedTo: number;
  readonly at: number;
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
    inTransaction(this.#database, () => this.#insert(row));
    return Promise.resolve();
  }

  appendReport(row: LedgerRow, seq: number): Promise<void> {
    inTransaction(this.#database, () => {
      this.#insert(row);
      this.#database.prepare('INSERT INTO outbox (seq, ledger_seq) VALUES (?, ?)').run(seq, row.seq);
      this.raiseReports(seq);
    });
    return Promise.resolve();
  }

  /** The next report is above `to`, however few this ledger has seen. */
  raiseReports(to: number): void {
    this.#database
      .prepare(
        'INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)',
      )
      .run(NEWEST_REPORT, to);
  }

  /** P8: hospital IT has seen that a snapshot was restored. Kept with its reason, and reports go on above the network's newest. */
  acknowledgeRestore({ alarm, reason, accepted, raisedTo, at }: RestoreAcknowledgement): void {
    inTransaction(this.#database, () => {
      this.raiseReports(raisedTo);
      this.#database
        .prepare('INSERT INTO ledger_acknowledgements (at, alarm, reason, accepted, raised_to) VALUES (?, ?, ?, ?, ?)')
        .run(at, alarm, reason, JSON.stringify(accepted), raisedTo);
    });
  }

  /** Whether the newest acknowledgement was of this head; the network goes on telling it until a newer report has come there. */
  isRestoreAcknowledged(accepted: LedgerHead | null): boolean {
    const row = this.#database
      .prepare('SELECT accepted FROM ledger_acknowledgements ORDER BY id DESC LIMIT 1')
      .get() as { accepted: string } | undefined;
    if (row === undefined) return false;
    const known = JSON.parse(row.accepted) as LedgerHead | null;
    return known?.seq === accepted?.seq && known?.head === accepted?.head;
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
    inTransaction(this.#database, () => this.#database.prepare('DELETE FROM outbox WHERE seq <= ?').run(through));
    return Promise.resolve();
  }

  /** Rows from `after` on, oldest first, for hospital IT: exactly what left. */
  rows(after: number, limit: number): readonly LedgerRow[] {
    return asRows<Row>(
      this.#database
        .prepare('SELECT seq, kind, subject, bytes, at, head FROM ledger WHERE seq > ? ORDER BY seq LIMIT ?')
        .all(after, limit),
    );
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
