import type { DatabaseSync } from 'node:sqlite';
import { asRows, inTransaction } from './database.ts';

/**
 * Whether the rule acted (`enforce`), was one of the serving policy that only counts (`shadow`), or is of the next policy, which
 * a person of the site lets run beside (`next`).
 */
export type PolicyHitMode = 'enforce' | 'shadow' | 'next';

/** How often one rule hit on one day. Counts, and nothing else of a conversation (P7). */
export interface PolicyHitCount {
  readonly service: string;
  readonly policy: string;
  readonly revision: number;
  /** Null: the conversations that were judged, which the others are a share of. */
  readonly rule: string | null;
  readonly stage: 'input' | 'output';
  /** What the rule does, `failed` where it could not be applied, or `judged`. */
  readonly action: string;
  readonly mode: PolicyHitMode;
  /** `YYYY-MM-DD`, of the site. */
  readonly day: string;
  readonly count: number;
}

const KEY = 'service, policy, revision, rule, stage, action, mode, day';

/** Counts by day on this node, which never leave it. The gateway counts in memory, and a batch is one transaction here. */
export class SqlitePolicyHits {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  add(batch: readonly PolicyHitCount[]): void {
    if (batch.length === 0) return;
    const upsert = this.#database.prepare(
      `INSERT INTO policy_hits (${KEY}, count) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (${KEY}) DO UPDATE SET count = count + excluded.count`,
    );
    inTransaction(this.#database, () => {
      for (const one of batch)
        upsert.run(
          one.service,
          one.policy,
          one.revision,
          one.rule ?? '',
          one.stage,
          one.action,
          one.mode,
          one.day,
          one.count,
        );
    });
  }

  /** What was counted before a day is over. */
  prune(before: string): void {
    this.#database.prepare('DELETE FROM policy_hits WHERE day < ?').run(before);
  }

  /** Of one service, the newest day first. */
  ofService(service: string): readonly PolicyHitCount[] {
    const rows = asRows<PolicyHitCount & { readonly rule: string }>(
      this.#database
        .prepare(
          `SELECT ${KEY}, count FROM policy_hits WHERE service = ? ORDER BY day DESC, policy, revision DESC, mode, rule, stage, action`,
        )
        .all(service),
    );
    return rows.map((row) => ({ ...row, rule: row.rule === '' ? null : row.rule }));
  }
}
