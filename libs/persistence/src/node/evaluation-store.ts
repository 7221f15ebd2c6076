import type { DatabaseSync } from 'node:sqlite';
import { canonicalJson, type OwnEvidence } from '@openward/contracts';
import type { DataCard, Outcome, PastVerdict, ResultKey, Results, SiteRecord } from '@openward/evaluation';
import { asRows, inTransaction } from './database.ts';

/** Grades of items, never a reply. Those of own records carry the digest of their data set, and go with its records. */
export class SqliteResults implements Results {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  kept(key: ResultKey): Promise<readonly (readonly [string, Outcome])[]> {
    const rows = this.#database.prepare('SELECT item, outcome FROM results WHERE key = ?').all(canonicalJson(key)) as {
      item: string;
      outcome: Outcome;
    }[];
    return Promise.resolve(rows.map(({ item, outcome }) => [item, outcome] as const));
  }

  keep(key: ResultKey, itemId: string, outcome: Outcome): Promise<void> {
    // An evaluation may still run on a version whose records were replaced meanwhile: nothing of them is kept any more.
    inTransaction(this.#database, () =>
      this.#database
        .prepare(
          `INSERT OR IGNORE INTO results (key, item, outcome, data) SELECT ?1, ?2, ?3, ?4
           WHERE NOT EXISTS (SELECT 1 FROM data_sets WHERE data = ?4)
           OR EXISTS (SELECT 1 FROM data_sets WHERE data = ?4 AND records <> '[]')`,
        )
        .run(canonicalJson(key), itemId, outcome, key.data),
    );
    return Promise.resolve();
  }
}

/** Judgements, one look for each release, data and suite (E4), and the verdicts on own records (E6). */
export class SqliteJudgements {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  find<T>(key: string): { readonly result: T; readonly local: unknown } | null {
    const row = this.#database.prepare('SELECT result, local FROM judgements WHERE key = ?').get(key) as
      | { result: string; local: string }
      | undefined;
    return row === undefined ? null : { result: JSON.parse(row.result) as T, local: JSON.parse(row.local) as unknown };
  }

  /** The judgement and the verdict that goes with it, in one transaction. */
  keep(key: string, result: unknown, local: unknown, verdict: PastVerdict | null, at: number): void {
    inTransaction(this.#database, () => {
      this.#database
        .prepare('INSERT OR REPLACE INTO judgements (key, result, local, at) VALUES (?, ?, ?, ?)')
        .run(key, JSON.stringify(result), JSON.stringify(local), at);
      if (verdict === null) return;
      this.#database
        .prepare(
          'INSERT INTO verdicts (data_set, data, suite, release, under, evidence, at) VALUES (?, ?, ?, ?, ?, ?, ?)',
        )
        .run(
          verdict.dataSet,
          verdict.data,
          verdict.suite,
          verdict.release,
          verdict.under,
          JSON.stringify(verdict.evidence),
          verdict.at,
        );
    });
  }

  verdicts(): readonly PastVerdict[] {
    const rows = this.#database
      .prepare('SELECT data_set, data, suite, release, under, evidence, at FROM verdicts')
      .all() as {
      data_set: string;
      data: string;
      suite: string;
      release: string;
      under: string | null;
      evidence: string;
      at: number;
    }[];
    return rows.map(({ data_set, evidence, ...rest }) => ({
      ...rest,
      dataSet: data_set,
      evidence: JSON.parse(evidence) as OwnEvidence,
    }));
  }
}

export interface StoredDataSet {
  readonly name: string;
  readonly version: number;
  readonly data: string;
  readonly card: DataCard;
  readonly records: readonly SiteRecord[];
  readonly fingerprints: ReadonlyMap<string, string>;
  readonly salt: Uint8Array;
  readonly addedAt: number;
}

/** A site's own records, which never leave this file. */
export class SqliteDataSets {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /**
   * A new version of a data set keeps its salt. The records of older versions are removed, and with them how each was answered;
   * their fingerprints stay (E7), as do judgements and verdicts (E4, E6).
   */
  add(set: Omit<StoredDataSet, 'version'>): number {
    return inTransaction(this.#database, () => {
      const { newest } = this.#database
        .prepare('SELECT coalesce(max(version), 0) AS newest FROM data_sets WHERE name = ?')
        .get(set.name) as { newest: number };
      this.#database
        .prepare(
          'INSERT INTO data_sets (name, version, data, card, records, fingerprints, salt, added_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
        )
        .run(
          set.name,
          newest + 1,
          set.data,
          JSON.stringify(set.card),
          JSON.stringify(set.records),
          JSON.stringify([...set.fingerprints]),
          set.salt,
          set.addedAt,
        );
      this.#database
        .prepare(`UPDATE data_sets SET records = '[]' WHERE name = ? AND version <= ?`)
        .run(set.name, newest);
      this.#database
        .prepare(
          `DELETE FROM results WHERE data IN (SELECT data FROM data_sets WHERE name = ?)
           AND data NOT IN (SELECT data FROM data_sets WHERE records <> '[]')`,
        )
        .run(set.name);
      return newest + 1;
    });
  }

  /** The newest version of each data set of a service. */
  ofService(service: string): readonly StoredDataSet[] {
    return this.list().filter(({ card }) => card.service === service);
  }

  list(): readonly StoredDataSet[] {
    return this.#all().filter(
      (set, _, all) => !all.some((other) => other.name === set.name && other.version > set.version),
    );
  }

  /** Every version that there ever was, without its records: what it is called outside goes by these (E7). */
  versions(): readonly Pick<StoredDataSet, 'name' | 'version' | 'data' | 'salt'>[] {
    return asRows<Pick<StoredDataSet, 'name' | 'version' | 'data' | 'salt'>>(
      this.#database.prepare('SELECT name, version, data, salt FROM data_sets ORDER BY name, version').all(),
    );
  }

  fingerprintsOf(data: string): ReadonlyMap<string, string> | null {
    return this.#all().find((set) => set.data === data)?.fingerprints ?? null;
  }

  saltOf(name: string): Uint8Array | null {
    const row = this.#database.prepare('SELECT salt FROM data_sets WHERE name = ? LIMIT 1').get(name) as
      | { salt: Uint8Array }
      | undefined;
    return row?.salt ?? null;
  }

  #all(): StoredDataSet[] {
    const rows = this.#database.prepare('SELECT * FROM data_sets ORDER BY name, version').all() as Record<
      string,
      unknown
    >[];
    return rows.map((row) => ({
      name: String(row['name']),
      version: Number(row['version']),
      data: String(row['data']),
      card: JSON.parse(String(row['card'])) as DataCard,
      records: JSON.parse(String(row['records'])) as SiteRecord[],
      fingerprints: new Map(JSON.parse(String(row['fingerprints'])) as [string, string][]),
      salt: row['salt'] as Uint8Array,
      addedAt: Number(row['added_at']),
    }));
  }
}
