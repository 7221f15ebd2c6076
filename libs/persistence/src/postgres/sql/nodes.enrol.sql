start transaction isolation level read committed;

select "id", "site", "used_by", "expires_at" <= clock_timestamp() as "is_expired"
from "enrolment_tokens"
where "digest" = $1
for update;

insert into "nodes" ("name", "site", "identity_key", "identity_key_id", "control_key", "bulk_key", "credentials_until")
values ($1, $2, $3, $4, $5, $6, $7)
on conflict do nothing;

update "enrolment_tokens"
set "used_by" = $1, "used_at" = clock_timestamp()
where "id" = $2 and "used_by" is null;

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

insert into "audit" ("actor", "action", "subject", "details")
values ($1, $2, $3, $4);

select pg_notify($1, text)
from unnest($2::text[]) as text;

commit;
