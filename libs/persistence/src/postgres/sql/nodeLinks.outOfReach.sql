select "node_links"."node", "node_links"."since"
from "node_links"
inner join "network_state" on "network_state"."links_seen_at" > clock_timestamp() + make_interval(secs => $1::float8)
inner join "nodes" on "nodes"."name" = "node_links"."node"
where "node_links"."connected" = $2 and "nodes"."revoked_at" is null
order by "node_links"."node";
