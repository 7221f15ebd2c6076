select nodes.name as node, nodes.site, node_states.body -> 'generation' as reported,
  case when desired.node is null then null
  else jsonb_build_object('epoch', desired.epoch, 'number', desired.number) end as held
from node_states
join nodes on nodes.name = node_states.node and nodes.revoked_at is null
left join desired on desired.node = nodes.name
where node_states.body -> 'generation' ->> 'epoch' is not null
  and (
    desired.node is null
    or ((node_states.body -> 'generation' ->> 'epoch')::bigint, (node_states.body -> 'generation' ->> 'number')::bigint)
      > (desired.epoch, desired.number)
  )
order by nodes.name;
