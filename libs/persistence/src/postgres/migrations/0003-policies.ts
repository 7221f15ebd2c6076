import { sql, type Kysely } from 'kysely';

// Prompt policies as registered versions. A release still carries its policy whole, so nothing that was there changes (V2).

export const name = '0003-policies';
export const oldest = '0.1.0';

const policies = `
  create table policies (
    id text primary key,
    newest integer not null,
    created_at timestamptz not null default clock_timestamp()
  );
  create table policy_revisions (
    id text not null references policies,
    revision integer not null,
    digest text not null unique,
    document jsonb not null,
    created_at timestamptz not null default clock_timestamp(),
    created_by text not null,
    primary key (id, revision)
  );
`;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(policies).execute(db);
}
