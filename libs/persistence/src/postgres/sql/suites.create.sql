start transaction isolation level read committed;

select "name"
from "services"
where "name" = $1;

insert into "suites" ("name", "version", "service", "digest", "artifact", "document")
values ($1, $2, $3, $4, $5, $6)
on conflict ("name", "version") do nothing;

insert into "artifacts" ("manifest", "family", "file", "size", "kind")
values ($1, $2, $3, $4, $5)
on conflict do nothing;

insert into "audit" ("actor", "action", "subject", "details")
values ($1, $2, $3, $4);

select "name", "version", "service", "digest", "created_at", jsonb_array_length(document -> 'items') as "items", document -> 'gates' @> '[{"set": "own"}]' as "reads_site_data"
from "suites"
where "name" = $1 and "version" = $2;

commit;
