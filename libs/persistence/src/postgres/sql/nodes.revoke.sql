start transaction isolation level read committed;

update "nodes"
set "revoked_at" = clock_timestamp()
where "name" = $1 and "revoked_at" is null
returning "newest_seq";

insert into "revoked_keys" ("key", "node") select "key", "node"
from "node_keys"
where "node" = $1
on conflict ("key") do update
set "revoked_at" = clock_timestamp();

delete
from "outbox"
where "node" = $1;

insert into "audit" ("actor", "action", "subject", "details")
values ($1, $2, $3, $4);

select pg_notify($1, text)
from unnest($2::text[]) as text;

commit;
