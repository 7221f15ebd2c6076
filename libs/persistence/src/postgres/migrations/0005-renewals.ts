import { sql, type Kysely } from 'kysely';

// The nonces that nodes renewed their credentials with, so that a frame that somebody kept is not taken a second time.

export const name = '0005-renewals';
export const oldest = '0.1.0';

const renewals = `
  create table node_renewals (
    node text not null references nodes,
    nonce text not null,
    at timestamptz not null default clock_timestamp(),
    primary key (node, nonce)
  );
`;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(renewals).execute(db);
}
