start transaction isolation level read committed;

select "enrolment", "acked_through", "newest_seq"
from "nodes"
where "name" = $1 and "site" = $2 and "revoked_at" is null
for no key update;

select "epoch", "number"
from "desired"
where "node" = $1;

insert into "reports" ("node", "boot", "seq", "enrolment", "ledger", "body")
values ($1, $2, $3, $4, $5, $6)
on conflict ("node", "seq", "boot") do nothing
returning "stored_at";

insert into "evidence" ("assignment", "node", "boot", "seq", "stored_at", "body")
values ($1, $2, $3, $4, $5, $6)
on conflict ("assignment", "node") do update
set "boot" = $7, "seq" = $8, "stored_at" = $9, "body" = $10
where "evidence"."seq" < $11;

with recursive run (seq) as (
  select $1::bigint
  union all
  select run.seq + 1 from run
  where exists (
    select from reports
    where reports.node = $2 and reports.seq = run.seq + 1 and reports.enrolment = $3
  )
)
select max(seq) as seq from run;

update "nodes"
set "acked_through" = $1, "newest_seq" = $2, "newest_ledger" = $3
where "name" = $4;

insert into "rollout_marks" ("rollout", "due_at") select "rollouts"."id", clock_timestamp() + make_interval(secs => $1::float8) as "due_at"
from "rollout_nodes"
inner join "rollouts" on "rollouts"."id" = "rollout_nodes"."rollout"
where "rollout_nodes"."node" = $2 and "rollouts"."open" = $3;

commit;
