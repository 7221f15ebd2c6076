import type { DatabaseSync } from 'node:sqlite';
import type { PolicyRef, PromptPolicy } from '@openward/contracts';
import { asRows, inTransaction } from './database.ts';

/** What becomes of a service whose policy has expired: it is the site's choice, and `goOn` until it chose. */
export type OnPolicyExpiry = 'goOn' | 'fallback';

/** A site's own words for every policy that it runs. They stay here. */
export interface SitePolicySettings {
  readonly terms: {
    /** The form of the site's medical record numbers; null: it gave none. */
    readonly recordNumber: string | null;
    /** By the name of a policy's variable. */
    readonly variables: Readonly<Record<string, string>>;
  };
  readonly onExpiry: OnPolicyExpiry;
}

const NAME = 'policy';

/** One row, written whole: a half of it would be other terms than anybody chose. */
export class SqliteSitePolicy {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  read(): SitePolicySettings {
    const row = this.#database.prepare('SELECT value FROM site_settings WHERE name = ?').get(NAME) as
      | { value: string }
      | undefined;
    if (row === undefined) return { terms: { recordNumber: null, variables: {} }, onExpiry: 'goOn' };
    return JSON.parse(row.value) as SitePolicySettings;
  }

  /** Durable when it returns. */
  write(settings: SitePolicySettings): void {
    this.#database
      .prepare(
        'INSERT INTO site_settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
      )
      .run(NAME, JSON.stringify(settings));
  }
}

/** Why the policy of an offered release was refused here: shown to the site, and never sent. */
export interface PolicyRefusal {
  readonly service: string;
  readonly release: string;
  readonly number: number;
  readonly findings: readonly { readonly code: string; readonly where: string; readonly message: string }[];
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** The newest of each service. */
export class SqlitePolicyRefusals {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  keep({ service, release, number, findings, at }: PolicyRefusal): void {
    this.#database
      .prepare('INSERT OR REPLACE INTO policy_refusals (service, release, number, findings, at) VALUES (?, ?, ?, ?, ?)')
      .run(service, release, number, JSON.stringify(findings), at);
  }

  list(): readonly PolicyRefusal[] {
    const rows = asRows<Omit<PolicyRefusal, 'findings'> & { readonly findings: string }>(
      this.#database
        .prepare('SELECT service, release, number, findings, at FROM policy_refusals ORDER BY service')
        .all(),
    );
    return rows.map((row) => ({ ...row, findings: JSON.parse(row.findings) as PolicyRefusal['findings'] }));
  }
}

/** Why a shadow ended: its date came, a person ended it, or its release was activated or waits no more. */
export type ShadowEnd = 'until' | 'stopped' | 'activated' | 'attemptEnded';

/** A person's leave to let the rules of the next policy of a service run beside the one that serves. */
export interface PolicyShadow {
  readonly service: string;
  /** Of the release that it is the policy of; it ends with that. */
  readonly assignment: string;
  readonly release: string;
  readonly number: number;
  readonly policy: PolicyRef;
  /** Who gave it, in their own words; it stays here. */
  readonly by: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly until: number;
  readonly ended: { readonly at: number; readonly why: ShadowEnd } | null;
}

/** One that runs, with the whole policy. Once it has ended the reference is all that is kept of that. */
export interface OpenShadow extends PolicyShadow {
  readonly policy: PromptPolicy;
  readonly ended: null;
}

interface ShadowRow {
  readonly service: string;
  readonly shadow: string;
  readonly ended_at: number | null;
  readonly ended_why: ShadowEnd | null;
}

/** Every one that ever was stays, since it was a consent; at most one of a service is open. */
export class SqliteShadows {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** In the place of one that is open. */
  start(shadow: Omit<OpenShadow, 'ended'>): void {
    inTransaction(this.#database, () => {
      this.end(shadow.service, 'stopped', shadow.startedAt);
      this.#database
        .prepare('INSERT INTO shadows (service, shadow) VALUES (?, ?)')
        .run(shadow.service, JSON.stringify(shadow));
    });
  }

  /** Nothing where none is open. */
  end(service: string, why: ShadowEnd, at: number): void {
    this.#database
      .prepare(
        `UPDATE shadows SET ended_at = ?, ended_why = ?, shadow = json_set(shadow, '$.policy', json_object(
           'id', json_extract(shadow, '$.policy.id'), 'revision', json_extract(shadow, '$.policy.revision')))
         WHERE service = ? AND ended_at IS NULL`,
      )
      .run(at, why, service);
  }

  /** The newest first. */
  list(limit: number): readonly PolicyShadow[] {
    const rows = asRows<ShadowRow>(
      this.#database
        .prepare('SELECT service, shadow, ended_at, ended_why FROM shadows ORDER BY id DESC LIMIT ?')
        .all(limit),
    );
    return rows.map(asShadow);
  }

  open(): readonly OpenShadow[] {
    const rows = asRows<ShadowRow>(
      this.#database
        .prepare('SELECT service, shadow, ended_at, ended_why FROM shadows WHERE ended_at IS NULL ORDER BY service')
        .all(),
    );
    return rows.map((row) => asShadow(row) as OpenShadow);
  }
}

const asShadow = ({ shadow, ended_at: at, ended_why: why }: ShadowRow): PolicyShadow => ({
  ...(JSON.parse(shadow) as Omit<PolicyShadow, 'ended'>),
  ended: at === null || why === null ? null : { at, why },
});
