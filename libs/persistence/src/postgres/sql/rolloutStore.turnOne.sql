start transaction isolation level read committed;

select "state", "version"
from "rollouts"
where "id" = $1
for no key update;

select "read_only_since", floor(extract(epoch from clock_timestamp()) * 1000)::float8 as "now"
from "network_state"
for share;

select
  wanted.node,
  newest.boot,
  newest.seq + (nodes.enrolment - 1) * $1::bigint as seq,
  floor(extract(epoch from newest.stored_at) * 1000)::float8 as at,
  (
    select service from jsonb_array_elements(newest.body -> 'services') as service
    where service ->> 'service' = $2 limit 1
  ) as service,
  evidence.body as evidence
from unnest($3::text[], $4::text[]) as wanted (node, assignment)
join nodes on nodes.name = wanted.node
join node_states as newest on newest.node = wanted.node
left join evidence on evidence.assignment = wanted.assignment and evidence.node = wanted.node
order by wanted.node;

commit;
