start transaction isolation level read committed;

select pg_advisory_xact_lock(hashtextextended($1, 0));

select "state", "version"
from "rollouts"
where "service" = $1 and "open" = $2
order by "id"
for no key update;

select "read_only_since", floor(extract(epoch from clock_timestamp()) * 1000)::float8 as "now"
from "network_state"
for share;

select "recalled_at"
from "releases"
where "digest" = $1
for share;

insert into "rollouts" ("id", "service", "release", "engine", "version", "open", "due_at", "state")
values ($1, $2, $3, $4, $5, $6, to_timestamp($7::float8 / 1000), $8);

insert into rollout_nodes (rollout, node) select $1, node from unnest($2::text[]) as node;

select pg_notify($1, text)
from unnest($2::text[]) as text;

insert into assignments (node, service, id, rollout, document)
select row ->> 'node', doc ->> 'service', doc ->> 'id', doc ->> 'rollout', doc
from jsonb_array_elements($1::jsonb) as row, lateral (select row -> 'assignment' as doc) as its
order by 1, 2
on conflict (node, service) do update
set id = excluded.id, rollout = excluded.rollout, document = excluded.document, set_at = clock_timestamp();

insert into node_releases (node, release, service, variant)
select row ->> 'node', doc -> 'release' ->> 'digest', doc ->> 'service', doc -> 'variant' ->> 'name'
from jsonb_array_elements($1::jsonb) as row, lateral (select row -> 'assignment' as doc) as its
order by 1, 2
on conflict (node, release) do update set variant = excluded.variant;

insert into desired (node, epoch, number)
select nodes.name, network_state.epoch, 1 from nodes, network_state
where nodes.revoked_at is null and nodes.name = any($1::text[])
order by nodes.name
on conflict (node) do update
set epoch = greatest(desired.epoch, excluded.epoch), number = desired.number + 1, changed_at = clock_timestamp();

insert into outbox (node, site, epoch, number)
select nodes.name, nodes.site, desired.epoch, desired.number
from desired join nodes on nodes.name = desired.node
where nodes.revoked_at is null and nodes.name = any($1::text[])
order by nodes.name
on conflict (node) do update
set epoch = excluded.epoch, number = excluded.number, site = excluded.site;

insert into "audit" ("actor", "action", "subject", "details", "at")
values ($1, $2, $3, $4, to_timestamp($5::float8 / 1000));

commit;
