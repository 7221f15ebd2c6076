start transaction isolation level read committed;

select "nodes"."enrolment", "nodes"."acked_through", "desired"."epoch", "desired"."number"
from "nodes"
left join "desired" on "desired"."node" = "nodes"."name"
where "nodes"."name" = $1 and "nodes"."site" = $2 and "nodes"."revoked_at" is null
for no key update of "nodes";

insert into "reports" ("node", "boot", "seq", "enrolment", "ledger", "body")
values ($1, $2, $3, $4, $5, $6)
on conflict ("node", "seq", "boot") do nothing
returning "stored_at";

insert into "evidence" ("assignment", "node", "boot", "seq", "stored_at", "body")
values ($1, $2, $3, $4, $5, $6)
on conflict ("assignment", "node") do update
set "boot" = $7, "seq" = $8, "stored_at" = $9, "body" = $10
where "evidence"."seq" < $11;

insert into rollout_marks (rollout, due_at)
select rollouts.id, clock_timestamp() + make_interval(secs => $1::float8)
from rollout_nodes
join rollouts on rollouts.id = rollout_nodes.rollout and rollouts.open
where rollout_nodes.node = $2;

with recursive run (seq, enrolment) as (
  select acked_through, enrolment from nodes where name = $1
  union all
  select run.seq + 1, run.enrolment from run
  where exists (
    select from reports
    where reports.node = $2 and reports.seq = run.seq + 1 and reports.enrolment = run.enrolment
  )
)
update nodes set
  acked_through = (select max(seq) from run),
  newest_seq = greatest(newest_seq, $3),
  newest_ledger = case when newest_seq < $4 then $5 else newest_ledger end
where name = $6
returning acked_through;

commit;
