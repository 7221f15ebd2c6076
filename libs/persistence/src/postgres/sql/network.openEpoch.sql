start transaction isolation level read committed;

select "epoch", "read_only_cause"
from "network_state"
for update;

select max(said.epoch) as highest
from (
  select node, (body -> 'generation' ->> 'epoch')::bigint as epoch from node_states
  union all
  select read_only_cause ->> 'node', (read_only_cause -> 'reported' ->> 'epoch')::bigint from network_state
) as said
join nodes on nodes.name = said.node and nodes.revoked_at is null
where said.epoch <= $1;

update "network_state"
set "epoch" = $1, "read_only_since" = $2, "read_only_cause" = $3;

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

commit;
