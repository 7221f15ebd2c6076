start transaction isolation level read committed;

select "retired_at"
from "model_versions"
where "name" = $1 and "version" = $2
for update;

with mine as (
  select digest, service, number from releases where model_name = $1 and model_version = $2
),
told as (
  select rollouts.id, planned.digest
  from rollouts,
    lateral (
      select release as digest
      union
      select unnest(array[node ->> 'from', node ->> 'rollbackTarget'])
      from jsonb_array_elements(state -> 'plan' -> 'waves') as wave, jsonb_array_elements(wave -> 'nodes') as node
      where state -> 'life' ->> 'kind' in ('running', 'rollingBack')
    ) as planned (digest)
  where rollouts.open and exists (
    select from jsonb_each(state -> 'nodes') as its (node, value)
    join nodes on nodes.name = its.node and nodes.revoked_at is null
    where its.value ->> 'takenBy' is null
      and (state -> 'life' ->> 'kind' in ('running', 'rollingBack')
        or state -> 'life' ->> 'kind' = 'completed'
          and (its.value -> 'late')::boolean and its.value ->> 'phase' = 'proceed')
  )
),
held as (
  select nodes.name, said.digest
  from node_states join nodes on nodes.name = node_states.node and nodes.revoked_at is null,
    jsonb_array_elements(node_states.body -> 'services') as service,
    lateral (values (service ->> 'active'), (service ->> 'lastGood')) as said (digest)
)
select distinct 'rollout' as kind, told.id as name, mine.service, mine.number from told join mine using (digest)
union
select distinct 'node', held.name, mine.service, mine.number from held join mine using (digest)
order by 1 desc, 2, 4;

update "model_versions"
set "retired_at" = clock_timestamp()
where "name" = $1 and "version" = $2;

insert into "audit" ("actor", "action", "subject", "details")
values ($1, $2, $3, $4);

select "model_versions".*, (select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('variant', variant, 'artifact', artifact, 'base', base, 'needs', needs)) order by position), '[]') as "list" from "model_variants" where "model_variants"."name" = "model_versions"."name" and "model_variants"."version" = "model_versions"."version") as "variants"
from "model_versions"
where "name" = $1 and "version" = $2;

commit;
