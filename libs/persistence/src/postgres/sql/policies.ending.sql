with served as (
  select service ->> 'active' as digest, count(*)::integer as nodes
  from node_states
  join nodes on nodes.name = node_states.node and nodes.revoked_at is null,
    jsonb_array_elements(node_states.body -> 'services') as service
  group by 1
)
select releases.service, releases.number as release, served.nodes, document -> 'policy' ->> 'expires' as expires,
  concat(document -> 'policy' ->> 'id', '@', document -> 'policy' ->> 'revision') as policy
from served join releases on releases.digest = served.digest
where document -> 'policy' ->> 'expires' is not null
order by expires, releases.service, releases.number;
