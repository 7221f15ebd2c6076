start transaction isolation level read committed;

insert into "policies" ("id", "newest")
values ($1, $2)
on conflict ("id") do nothing;

select "newest"
from "policies"
where "id" = $1
for update;

select "id", "revision", "digest", "created_at", "created_by", document ->> 'description' as "description", document -> 'languages' as "languages", jsonb_array_length(document -> 'rules') as "rules", jsonb_array_length(document -> 'tests') as "tests", document ->> 'notBefore' as "not_before", document ->> 'expires' as "expires"
from "policy_revisions"
where "id" = $1 and "revision" = $2;

insert into "policy_revisions" ("id", "revision", "digest", "document", "created_by")
values ($1, $2, $3, $4, $5);

update "policies"
set "newest" = $1
where "id" = $2;

insert into "audit" ("actor", "action", "subject", "details")
values ($1, $2, $3, $4);

select "id", "revision", "digest", "created_at", "created_by", document ->> 'description' as "description", document -> 'languages' as "languages", jsonb_array_length(document -> 'rules') as "rules", jsonb_array_length(document -> 'tests') as "tests", document ->> 'notBefore' as "not_before", document ->> 'expires' as "expires"
from "policy_revisions"
where "id" = $1 and "revision" = $2;

commit;
