start transaction isolation level read committed;

select "releases"."digest", "releases"."document", "releases"."artifact", "suites"."document" as "suite", floor(extract(epoch from clock_timestamp()) * 1000)::float8 as "now"
from "releases"
inner join "suites" on releases.document -> 'suite' ->> 'digest' = "suites"."digest"
where "releases"."service" = $1 and "releases"."number" = $2;

select "digest"
from "releases"
where "recalled_at" is not null
order by "digest";

select "state"
from "rollouts"
where "service" = $1 and "open" = $2
order by "id";

select digest, document from releases
where service = $1 and digest in (
  select served ->> 'active' from node_states, jsonb_array_elements(body -> 'services') as served
  where served ->> 'service' = $2)
order by digest;

select node, array_agg(release) as releases from (
  select planned ->> 'node' as node, release from rollouts,
    jsonb_array_elements(state -> 'plan' -> 'waves') as wave, jsonb_array_elements(wave -> 'nodes') as planned
  where service = $1 and release in (
    select served ->> 'active' from node_states, jsonb_array_elements(body -> 'services') as served
    where served ->> 'service' = $2)
  group by 1, 2
  having count(distinct planned ->> 'variant') > 1) as doubtful
group by node;

select "nodes"."name", "nodes"."site", "nodes"."revoked_at", "sites"."tier", "sites"."labels", "sites"."link_bytes_per_second", "node_states"."body", assignments.document -> 'release' ->> 'digest' as "told_release", assignments.document ->> 'phase' as "told_phase"
from "nodes"
inner join "sites" on "sites"."name" = "nodes"."site"
left join "node_states" on "node_states"."node" = "nodes"."name"
left join "assignments" on "assignments"."node" = "nodes"."name" and "assignments"."service" = $1
order by "nodes"."name";

select node_releases.node, node_releases.service, node_releases.variant,
  releases.digest, releases.artifact ->> 'file' as file,
  jsonb_build_object('model', jsonb_build_object('variants', releases.document -> 'model' -> 'variants'),
    'suite', releases.document -> 'suite') as document
from node_releases join releases on releases.digest = node_releases.release;

commit;
