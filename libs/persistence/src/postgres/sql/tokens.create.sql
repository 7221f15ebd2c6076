start transaction isolation level read committed;

insert into "enrolment_tokens" ("id", "site", "digest", "expires_at") select $1 as "id", "name", $2 as "digest", clock_timestamp() + make_interval(secs => $3::float8) as "expires_at"
from "sites"
where "name" = $4
returning *;

insert into "audit" ("actor", "action", "subject", "details")
values ($1, $2, $3, $4);

commit;
