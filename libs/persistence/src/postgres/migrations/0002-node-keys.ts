import { sql, type Kysely } from 'kysely';

// Every NATS key that credentials of a node were made for, until they end: revoking it cuts off all of them, not only the
// newest pair. A trigger writes them, so that a replica of the version before, which knows nothing of the table, does too (V2).

export const name = '0002-node-keys';
export const oldest = '0.1.0';

const keys = `
  create table node_keys (
    node text not null references nodes,
    key text not null,
    valid_until timestamptz not null,
    primary key (node, key)
  );
  create index node_keys_by_end on node_keys (valid_until);
  create function keep_node_keys() returns trigger language plpgsql as $$
    begin
      insert into node_keys (node, key, valid_until)
      select distinct new.name, key, coalesce(new.credentials_until, 'infinity')
      from unnest(array[new.control_key, new.bulk_key]) as key
      on conflict (node, key) do update set valid_until = greatest(node_keys.valid_until, excluded.valid_until);
      return null;
    end $$;
  create trigger node_keys_are_kept
    after insert or update of control_key, bulk_key, credentials_until on nodes
    for each row execute function keep_node_keys();
  insert into node_keys (node, key, valid_until)
  select distinct nodes.name, key, coalesce(nodes.credentials_until, 'infinity')
  from nodes, unnest(array[nodes.control_key, nodes.bulk_key]) as key;
`;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(keys).execute(db);
}
