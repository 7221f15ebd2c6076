import type { NodeRef } from '@openward/rollout';
import type { Database } from './database.ts';
import { migrate } from './migrator.ts';
import { openPersistence, type Persistence } from './persistence.ts';

// What tests on a real PostgreSQL begin with.

/** For `withDatabase` of the testkit: each test's database is a copy of one that was migrated once. */
export const MIGRATED = {
  name: `migrated_${process.pid}_${Date.now()}`,
  prepare: async (url: string): Promise<void> => {
    await migrate(url, '0.1.0');
  },
};

export interface OpenPersistence extends AsyncDisposable {
  readonly persistence: Persistence;
  readonly url: string;
  /** Each statement that ran, as it was sent. */
  readonly statements: string[];
  /** Of another replica, with connections of its own; closed with this one. */
  replica(): Persistence;
}

/** Over a database that is dropped with it. */
export function openOn(database: { readonly url: string; drop(): Promise<void> }): OpenPersistence {
  const { url } = database;
  const statements: string[] = [];
  const replicas: Persistence[] = [];
  const open = (): Persistence => {
    const opened = openPersistence({ url, poolSize: 4, onQuery: (sql) => statements.push(sql) });
    replicas.push(opened);
    return opened;
  };
  return {
    persistence: open(),
    url,
    statements,
    replica: open,
    async [Symbol.asyncDispose]() {
      for (const it of replicas) await it.close();
      await database.drop();
    },
  };
}

/** A node of a site that is made where it is not there, never told anything. */
export async function putNode(db: Database, { site, node }: NodeRef): Promise<void> {
  await db
    .insertInto('sites')
    .values({ name: site, tier: 'district', labels: '{}', languages: '["en"]', time_zone: 'UTC' })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await db
    .insertInto('nodes')
    .values({ name: node, site, identity_key: 'i', identity_key_id: 'i', control_key: 'c', bulk_key: 'b' })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
