start transaction isolation level read committed;

select rollouts.state, rollouts.version from rollouts
where rollouts.open and rollouts.engine <= $1
  and (
    rollouts.due_at <= clock_timestamp()
    or exists (
      select from rollout_marks
      where rollout_marks.rollout = rollouts.id and rollout_marks.due_at <= clock_timestamp()
    )
  )
  and (
    rollouts.state -> 'life' ->> 'kind' = 'rollingBack'
    or not exists (select from network_state where read_only_since is not null)
  )
order by rollouts.id = any($2::text[]), rollouts.due_at nulls last, rollouts.id
limit 1
for no key update of rollouts skip locked;

select "read_only_since", floor(extract(epoch from clock_timestamp()) * 1000)::float8 as "now"
from "network_state"
for share;

select "id"
from "rollout_marks"
where "rollout" = $1;

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

update "rollouts"
set "due_at" = to_timestamp($1::float8 / 1000), "open" = $2, "state" = $3, "engine" = $4, "version" = $5
where "id" = $6 and "version" = $7;

select pg_notify($1, text)
from unnest($2::text[]) as text;

insert into assignments (node, service, id, rollout, document)
select row ->> 'node', doc ->> 'service', doc ->> 'id', doc ->> 'rollout', doc
from jsonb_array_elements($1::jsonb) as row, lateral (select row -> 'assignment' as doc) as its
order by 1, 2
on conflict (node, service) do update
set id = excluded.id, rollout = excluded.rollout, document = excluded.document, set_at = clock_timestamp();

insert into node_releases (node, release, service, variant)
select row ->> 'node', doc -> 'release' ->> 'digest', doc ->> 'service', doc -> 'variant' ->> 'name'
from jsonb_array_elements($1::jsonb) as row, lateral (select row -> 'assignment' as doc) as its
order by 1, 2
on conflict (node, release) do update set variant = excluded.variant;

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

insert into "audit" ("actor", "action", "subject", "details", "at")
values ($1, $2, $3, $4, to_timestamp($5::float8 / 1000));

commit;
