import type { AuditEntry, Page, PageQuery } from '@openward/contracts';
import { atMs, instantOf, json, type Database } from './database.ts';
import { numberCursor, pageOf } from './paging.ts';

export interface AuditRecord {
  /** A person's or token's name, `node:<name>`, or `engine`. */
  readonly actor: string;
  readonly action: string;
  /** `kind:name`, as `site:lakeside` or `release:triage#3`. */
  readonly subject: string;
  readonly details?: unknown;
  /** Milliseconds since 1970 by the database's clock; now where it is left out. */
  readonly at?: number;
}

/** Rows in order, within the caller's transaction: what happened and its record are one. */
export async function writeAudit(db: Database, records: readonly AuditRecord[]): Promise<void> {
  if (records.length === 0) return;
  const rows = records.map(({ actor, action, subject, details, at }) => ({
    actor,
    action,
    subject,
    details: json(details ?? null),
    ...(at === undefined ? {} : { at: atMs(at) }),
  }));
  await db.insertInto('audit').values(rows).execute();
}

const KINDS = ['site', 'node', 'service', 'model', 'suite', 'policy', 'release', 'rollout', 'token', 'access'] as const;

const subjectsOf = (subject: string): string[] =>
  subject.includes(':') ? [subject] : [subject, ...KINDS.map((kind) => `${kind}:${subject}`)];

export class AuditRepository {
  readonly #db: Database;
  constructor(db: Database) {
    this.#db = db;
  }

  async append(record: AuditRecord): Promise<void> {
    await writeAudit(this.#db, [record]);
  }

  /** The newest first. `subject` without its kind is of any kind. */
  async list(query: PageQuery, of: { readonly subject?: string } = {}): Promise<Page<AuditEntry>> {
    let select = this.#db
      .selectFrom('audit')
      .selectAll()
      .orderBy('id', 'desc')
      .limit(query.limit + 1);
    if (query.after !== undefined) select = select.where('id', '<', numberCursor(query.after, 0));
    if (of.subject !== undefined) select = select.where('subject', 'in', subjectsOf(of.subject));
    const rows = await select.execute();
    return pageOf(
      rows,
      query,
      (row) => row.id,
      ({ id, at, actor, action, subject, details }) => ({ id, at: instantOf(at), actor, action, subject, details }),
    );
  }
}
