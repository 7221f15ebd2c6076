select "nodes"."name", "nodes"."site", "nodes"."acked_through", "nodes"."enrolled_at", "nodes"."credentials_until", "nodes"."revoked_at", "nodes"."identity_key_id", "sites"."tier", "node_states"."body", "node_states"."stored_at", "node_links"."connected", "node_links"."since"
from "nodes"
inner join "sites" on "sites"."name" = "nodes"."site"
left join "node_states" on "node_states"."node" = "nodes"."name"
left join "network_state" on "network_state"."links_seen_at" > clock_timestamp() + make_interval(secs => $1::float8)
left join "node_links" on "node_links"."node" = "nodes"."name" and "network_state"."links_seen_at" is not null
where "nodes"."name" = $2;
