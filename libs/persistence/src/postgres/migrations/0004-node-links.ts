import { sql, type Kysely } from 'kysely';

// Which nodes the NATS server holds a connection of, as any replica saw last, and when one last looked: so that each replica
// tells people the same, and since when (R9). Nothing is decided by it (R7).

export const name = '0004-node-links';
export const oldest = '0.1.0';

const links = `
  create table node_links (
    node text primary key references nodes,
    connected boolean not null,
    since timestamptz not null default clock_timestamp()
  );
  alter table network_state add column links_seen_at timestamptz;
`;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(links).execute(db);
}
