start transaction isolation level read committed;

insert into node_links (node, connected)
select nodes.name, true from nodes
where nodes.name = any($1::text[]) and nodes.revoked_at is null
  and not exists (select from node_links where node = nodes.name and connected)
on conflict (node) do update set connected = true, since = clock_timestamp() where not node_links.connected;

update "node_links"
set "connected" = $1, "since" = clock_timestamp()
where "connected" = $2 and node <> all($3::text[]);

update "network_state"
set "links_seen_at" = clock_timestamp();

commit;
