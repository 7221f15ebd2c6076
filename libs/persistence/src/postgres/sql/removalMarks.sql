with needed (digest) as (
  select said.digest
  from node_states,
    jsonb_array_elements(node_states.body -> 'services') as service,
    lateral (values (service ->> 'active'), (service ->> 'lastGood'), (service ->> 'anchor')) as said (digest)
  union
  select told.digest
  from assignments,
    lateral (values (document -> 'release' ->> 'digest'), (document ->> 'from'), (document ->> 'rollbackTarget'))
      as told (digest)
  union
  select release from rollouts where open
  union
  select planned.digest
  from rollouts,
    jsonb_array_elements(state -> 'plan' -> 'waves') as wave,
    jsonb_array_elements(wave -> 'nodes') as node,
    lateral (values (node ->> 'from'), (node ->> 'rollbackTarget')) as planned (digest)
  where open
),
kept as (
  select releases.artifact, releases.document
  from releases
  join model_versions on model_versions.name = releases.model_name and model_versions.version = releases.model_version
  where model_versions.retired_at is null or releases.digest in (select digest from needed where digest is not null)
),
refs (ref) as (
  select artifact from kept
  union all
  select document -> 'suite' -> 'artifact' from kept
  union all
  select ref
  from kept, jsonb_array_elements(document -> 'model' -> 'variants') as variant,
    lateral (values (variant -> 'artifact'), (variant -> 'base')) as named (ref)
  union all
  select artifact from suites
  union all
  select ref
  from model_variants
  join model_versions on model_versions.name = model_variants.name and model_versions.version = model_variants.version,
    lateral (values (model_variants.artifact), (model_variants.base)) as named (ref)
  where model_versions.retired_at is null
)
select distinct ref ->> 'manifest' as manifest from refs where ref is not null order by 1;
