select nodes.name as node, nodes.site, one ->> 'lastGood' as "lastGood", one ->> 'anchor' as anchor,
  case when assignments.id is null then null else jsonb_build_object(
    'release', assignments.document -> 'release' -> 'digest',
    'rollbackTarget', assignments.document -> 'rollbackTarget',
    'phase', assignments.document -> 'phase') end as told
from node_states
join nodes on nodes.name = node_states.node and nodes.revoked_at is null
cross join jsonb_array_elements(node_states.body -> 'services') as one
left join assignments on assignments.node = nodes.name and assignments.service = one ->> 'service'
where one ->> 'active' = $1
order by nodes.name;
