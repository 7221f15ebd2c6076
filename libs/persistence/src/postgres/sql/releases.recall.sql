start transaction isolation level read committed;

update "releases"
set "recalled_at" = clock_timestamp(), "recalled_by" = $1, "recalled_reason" = $2
where "digest" = $3 and "recalled_at" is null
returning *;

select "id"
from "rollouts"
where "release" = $1 and "open" = $2
order by "id";

insert into desired (node, epoch, number)
select nodes.name, network_state.epoch, 1 from nodes, network_state
where nodes.revoked_at is null
order by nodes.name
on conflict (node) do update
set epoch = greatest(desired.epoch, excluded.epoch), number = desired.number + 1, changed_at = clock_timestamp();

insert into outbox (node, site, epoch, number)
select nodes.name, nodes.site, desired.epoch, desired.number
from desired join nodes on nodes.name = desired.node
where nodes.revoked_at is null
order by nodes.name
on conflict (node) do update
set epoch = excluded.epoch, number = excluded.number, site = excluded.site;

insert into "audit" ("actor", "action", "subject", "details")
values ($1, $2, $3, $4);

select pg_notify($1, text)
from unnest($2::text[]) as text;

commit;
