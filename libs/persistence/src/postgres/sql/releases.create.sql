start transaction isolation level read committed;

update "services"
set "last_number" = "last_number" + $1
where "name" = $2
returning "last_number";

select "releases"."document"
from "releases"
left join "rollouts" on "rollouts"."release" = "releases"."digest" and rollouts.state -> 'life' ->> 'kind' = 'completed'
where "releases"."service" = $1 and "recalled_at" is null
order by (rollouts.state -> 'life' ->> 'at')::numeric desc nulls last, "rollouts"."position" desc nulls last, "releases"."number" desc
limit $2;

insert into "artifacts" ("manifest", "family", "file", "size", "kind")
values ($1, $2, $3, $4, $5)
on conflict do nothing;

insert into "releases" ("digest", "service", "number", "model_name", "model_version", "document", "artifact", "created_by")
values ($1, $2, $3, $4, $5, $6, $7, $8)
returning *;

insert into "audit" ("actor", "action", "subject", "details")
values ($1, $2, $3, $4);

select pg_notify($1, text)
from unnest($2::text[]) as text;

commit;
